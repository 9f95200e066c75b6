"""How the deliveries stand and how they went, in the exposition format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from supervisor.core.delivery.measured import JOB_BUCKETS, POLL_BUCKETS, Measured
from supervisor.core.delivery.view import DeliveriesView

_PREFIX = "ecs_supervisor_"


class DeliveryMetrics(Collector):
    """All of it, once."""

    def __init__(self, view: DeliveriesView, measured: Measured) -> None:
        self._view = view
        self._measured = measured

    def collect(self) -> Iterator[Metric]:
        view, measured = self._view, self._measured
        yield GaugeMetricFamily(f"{_PREFIX}app_ready", "Whether the app can be talked to.", view.app_ready)
        yield GaugeMetricFamily(
            f"{_PREFIX}delivery_slots", "How many messages may be with this task.", view.slots
        )
        open_ = GaugeMetricFamily(f"{_PREFIX}deliveries", "Messages by what they wait for.", labels=["phase"])
        for phase, count in sorted(view.phases.items()):
            open_.add_metric([phase], count)
        yield open_
        yield CounterMetricFamily(
            f"{_PREFIX}messages_received", "Messages received, again each time.", view.received
        )
        ended = CounterMetricFamily(
            f"{_PREFIX}deliveries_ended", "Deliveries by how they ended.", labels=["because"]
        )
        for because, count in sorted(view.ended.items()):
            ended.add_metric([because], count)
        yield ended
        yield CounterMetricFamily(
            f"{_PREFIX}possible_duplicates", "Jobs that may run once more.", view.possible_duplicates
        )
        answers = CounterMetricFamily(
            f"{_PREFIX}delivery_outcomes", "Requests by status, or by why there is none.", labels=["outcome"]
        )
        for outcome, count in sorted(measured.outcomes.items()):
            answers.add_metric([outcome], count)
        yield answers
        yield CounterMetricFamily(f"{_PREFIX}delivery_bytes", "Bodies sent to the app.", measured.bytes)
        polls = CounterMetricFamily(f"{_PREFIX}polls", "Polls by outcome.", labels=["queue", "outcome"])
        for labels, count in sorted(measured.polls.items()):
            polls.add_metric(labels, count)
        yield polls
        waiting = GaugeMetricFamily(f"{_PREFIX}polls_waiting", "Polls without an answer.", labels=["queue"])
        for queue in view.queues:
            waiting.add_metric([queue.name], queue.polls)
        yield waiting
        for name, text, bounds, spread in (
            ("poll_seconds", "How long polls took.", POLL_BUCKETS, measured.poll_seconds),
            ("delivery_seconds", "How long the app took.", JOB_BUCKETS, measured.job_seconds),
        ):
            took = HistogramMetricFamily(f"{_PREFIX}{name}", text)
            took.add_metric([], cumulative(bounds, spread.counts), spread.sum)
            yield took


def cumulative(bounds: tuple[float, ...], counts: tuple[int, ...]) -> list[tuple[str, float]]:
    """Return buckets as Prometheus wants them: each with all that is below its bound."""
    total, buckets = 0, []
    for bound, count in zip((*map(str, bounds), "+Inf"), counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets
