"""How things stand and what has happened, in the exposition format of Prometheus.

The metrics are made when they are asked for, from a snapshot and the counts, so nothing has to be kept up to date between two
scrapes. The registry is private: what else runs in this process does not appear in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from supervisor.core import lifecycle, protection
from supervisor.core.snapshot import Snapshot
from supervisor.core.tally import LATENCY_BUCKETS, Counts, Latency

_PREFIX = "ecs_supervisor_"

# What a snapshot calls protection where there is nobody to ask for it.
_OFF = "off"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What neither the snapshot nor the counts know. lag: seconds the last question waited for the deciding thread."""

    version: str
    lag: float
    lines_dropped: int


def render(
    snapshot: Snapshot, counts: Counts, surroundings: Surroundings, accept: str, *others: Collector
) -> tuple[bytes, str]:
    """Return the text and its content type. accept: what the scraper says that it understands."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once([*_standing(snapshot), *_counts(counts), *_surroundings(surroundings)]))
    for other in others:
        registry.register(other)
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Once(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics


def _standing(snapshot: Snapshot) -> Iterator[Metric]:
    phases = [each.value for each in lifecycle.Phase]
    yield _states("phase", "1 for the phase of the task, 0 for the others.", phases, snapshot.phase)
    yield _gauge("phase_seconds", "For how long the task has been in this phase.", snapshot.phase_for)
    yield _gauge("accepting", "Whether new work is welcome.", snapshot.accepting)
    yield _gauge("holds", "How many holds are open.", len(snapshot.holds))
    oldest = max((hold.age for hold in snapshot.holds), default=0.0)
    yield _gauge("oldest_hold_seconds", "The age of the hold that has been open longest.", oldest)
    yield _counter("holds_taken", "How many holds were taken.", snapshot.holds_taken)
    yield _gauge("hooks", "How many hooks are attached.", len(snapshot.hooks))
    starts = CounterMetricFamily(
        f"{_PREFIX}worker_starts", "How often the worker was started.", labels=["worker"]
    )
    for worker in snapshot.workers:
        starts.add_metric([worker.name], worker.starts)
    yield starts
    lease = snapshot.protection
    phases = [_OFF, *(each.value for each in protection.Phase if each is not protection.Phase.ABSENT)]
    yield _states(
        "protection_phase", "1 for the phase of the protection, 0 for the others.", phases, lease.phase
    )
    yield _gauge("protected", "Whether protection is confirmed.", lease.confirmed)
    left = lease.expires_in if lease.confirmed and lease.expires_in is not None else 0.0
    yield _gauge("protection_lease_seconds", "How long the confirmed protection still lasts.", left)
    if snapshot.exits_in is not None:
        yield _gauge("exit_seconds", "In how many seconds the task is gone at the latest.", snapshot.exits_in)


def _counts(counts: Counts) -> Iterator[Metric]:
    calls = CounterMetricFamily(
        f"{_PREFIX}agent_calls", "Calls to the agent by outcome.", labels=["call", "outcome"]
    )
    for labels, count in sorted(counts.calls.items()):
        calls.add_metric(labels, count)
    yield calls
    took = HistogramMetricFamily(
        f"{_PREFIX}agent_call_seconds", "How long calls to the agent took.", labels=["call"]
    )
    for call, latency in sorted(counts.latency.items()):
        took.add_metric([call], _buckets(latency), latency.sum)
    yield took
    notes = CounterMetricFamily(f"{_PREFIX}notes", "Events in the log, by their names.", labels=["event"])
    for name, count in sorted(counts.notes.items()):
        notes.add_metric([name], count)
    yield notes
    yield _counter("drains", "How often a drain has begun.", counts.drains)
    yield _counter("jobs_abandoned", "Jobs that were given up at the end of a drain.", counts.abandoned)
    yield _counter("protection_lapses", "How often protection ended while work was in flight.", counts.lapses)
    yield _counter("stops", "How often a worker was asked to exit.", counts.stops)
    yield _counter("kills", "How often a worker was killed.", counts.kills)
    if counts.stop_used is not None:
        yield _gauge("stop_used_seconds", "For how long the stop has been going on.", counts.stop_used)
    if counts.stop_share is not None:
        help_ = "How much of the time for the stop has passed, from 0 to 1."
        yield _gauge("stop_used_ratio", help_, counts.stop_share)


def _surroundings(surroundings: Surroundings) -> Iterator[Metric]:
    yield InfoMetricFamily(f"{_PREFIX}build", "What runs here.", {"version": surroundings.version})
    yield _gauge(
        "lag_seconds", "How long the last question waited for the deciding thread.", surroundings.lag
    )
    yield _counter("log_lines_dropped", "Log lines that nobody read in time.", surroundings.lines_dropped)


def _gauge(name: str, help_: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{_PREFIX}{name}", help_, value)


def _counter(name: str, help_: str, value: float) -> Metric:
    return CounterMetricFamily(f"{_PREFIX}{name}", help_, value)


def _states(name: str, help_: str, possible: list[str], present: str) -> Metric:
    metric = GaugeMetricFamily(f"{_PREFIX}{name}", help_, labels=["phase"])
    for each in possible:
        metric.add_metric([each], each == present)
    return metric


def _buckets(latency: Latency) -> list[tuple[str, float]]:
    total, buckets = 0, []
    for bound, count in zip((*map(str, LATENCY_BUCKETS), "+Inf"), latency.buckets, strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets
