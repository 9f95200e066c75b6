"""What Prometheus is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry, Gauge, Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from supervisor.core.instants import Instant
from supervisor.core.lifecycle import Phase
from supervisor.core.tally import Counts, Latency, Tally
from supervisor.render.metrics import Surroundings, render
from tests.unit.render.test_status import DRAINING, IDLE, LEASE

NOTHING = Tally().read(Instant(0.0))
HERE = Surroundings("1.2.3", lag=0.002, lines_dropped=4)

COUNTED = Counts(
    calls={("protect", "granted"): 3, ("protect", "blocked"): 1},
    latency={"protect": Latency((0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 1), 12.5)},
    notes={"hold.expired": 2},
    drains=1,
    abandoned=2,
    lapses=1,
    stops=1,
    kills=1,
    stop_used=20.0,
    stop_share=0.25,
)


def samples(snapshot: object = IDLE, counts: Counts = NOTHING) -> dict[str, float]:
    """Return every sample by its name and labels, without our prefix."""
    text, _ = render(snapshot, counts, HERE, "")  # type: ignore[arg-type]
    lines = (line.rpartition(" ") for line in text.decode().splitlines() if not line.startswith("#"))
    return {name.removeprefix("ecs_supervisor_"): float(value) for name, _, value in lines}


def test_a_task_at_work() -> None:
    """Its phase among all phases, what it has in flight, and how well it is protected."""
    told = samples(replace(IDLE, holds=DRAINING.holds, protection=LEASE))
    assert [name for name, value in told.items() if name.startswith("phase{") and value] == [
        'phase{phase="running"}'
    ]
    assert sum(name.startswith("phase{") for name in told) == len(Phase)
    assert told['protection_phase{phase="protected"}'] == 1
    expected = {
        "phase_seconds": 65.0,
        "accepting": 1,
        "holds": 1,
        "oldest_hold_seconds": 5.0,
        "holds_taken_total": 12,
        'worker_starts_total{worker="web"}': 1,
        "protected": 1,
        "protection_lease_seconds": 2530.0,
        'build_info{version="1.2.3"}': 1,
        "lag_seconds": 0.002,
        "log_lines_dropped_total": 4,
    }
    assert {name: told[name] for name in expected} == expected


def test_a_task_with_nothing_to_protect() -> None:
    """There is a number for everything, so that an alarm on it never finds nothing; but for a stop that is not there."""
    told = samples()
    assert (told["holds"], told["oldest_hold_seconds"], told["protection_lease_seconds"]) == (0, 0, 0)
    assert told['protection_phase{phase="off"}'] == 1
    assert "exit_seconds" not in told
    assert not any(name.startswith("stop_used") for name in told)


def test_a_lease_that_is_not_confirmed_protects_nobody() -> None:
    """What may have run out counts as having run out."""
    assert samples(replace(IDLE, protection=replace(LEASE, confirmed=False)))["protection_lease_seconds"] == 0


def test_a_task_on_its_way_out() -> None:
    """How much of its time is gone, and what it cost."""
    told = samples(DRAINING, COUNTED)
    expected = {
        "exit_seconds": 16.0,
        "stop_used_seconds": 20.0,
        "stop_used_ratio": 0.25,
        "drains_total": 1,
        "jobs_abandoned_total": 2,
        "protection_lapses_total": 1,
        "stops_total": 1,
        "kills_total": 1,
        'notes_total{event="hold.expired"}': 2,
        'agent_calls_total{call="protect",outcome="granted"}': 3,
        'agent_calls_total{call="protect",outcome="blocked"}': 1,
        'agent_call_seconds_count{call="protect"}': 4,
        'agent_call_seconds_sum{call="protect"}': 12.5,
        'agent_call_seconds_bucket{call="protect",le="0.01"}': 0,
        'agent_call_seconds_bucket{call="protect",le="10.0"}': 3,
        'agent_call_seconds_bucket{call="protect",le="+Inf"}': 4,
    }
    assert {name: told[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("accept", "parse"),
    [
        ("", text_string_to_metric_families),
        ("application/openmetrics-text; version=1.0.0", parse_openmetrics),
    ],
)
def test_it_can_be_read_and_is_named_as_is_usual(
    accept: str, parse: Callable[[str], Iterable[Metric]]
) -> None:
    """Base units, counters that say so, one prefix, a sentence for each; in either format."""
    text, content_type = render(DRAINING, COUNTED, HERE, accept)
    assert content_type.startswith(accept.partition(";")[0] or "text/plain")
    families = list(parse(text.decode()))
    assert len(families) > 20
    for family in families:
        assert re.fullmatch(r"ecs_supervisor_[a-z_]+", family.name)
        assert family.documentation.endswith(".")


def test_what_others_collect_is_told_as_well() -> None:
    """The process, for one, about which nothing is known here."""
    other = Gauge("something_else", "Else.", registry=CollectorRegistry())
    text, _ = render(IDLE, NOTHING, HERE, "", other)
    assert b"\nsomething_else 0.0\n" in text
