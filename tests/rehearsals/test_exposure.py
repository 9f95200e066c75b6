"""The judge of the long rehearsal finds what it is there to find."""

from __future__ import annotations

import pytest

from supervisor.emulator.calls import Call
from supervisor.emulator.faults import Fault
from tests.rehearsals.exposure import Held, Span, longest_exposure, shortest_idleness, unprotected_spans

FOREVER = float("inf")


def call(at: float, seconds: float, wanted: bool, granted: bool = True) -> Call:
    enabled = str(wanted is granted).lower()
    body, answer = (
        f'{{"ProtectionEnabled":{str(wanted).lower()}}}',
        f'{{"protection":{{"ProtectionEnabled":{enabled}}}}}',
    )
    path = "/api/1/task-protection/v1/state"
    return Call(at, "PUT", path, "1", "1", body.encode(), 200, answer.encode(), seconds, 1, Fault.NONE)


# Protected from 11 to 20, and from 31 on.
CALLS = (call(10, 1, True), call(20, 1, False), call(30, 1, True))


def test_protection_counts_from_the_answer_to_the_next_request() -> None:
    """What lies between asking and answering is never called protected."""
    assert unprotected_spans(CALLS) == [Span(-FOREVER, 11), Span(20, 31)]
    assert unprotected_spans(CALLS[:2]) == [Span(-FOREVER, 11), Span(20, FOREVER)]


def test_a_protection_that_was_not_granted_is_none() -> None:
    """An answer that does not confirm what was asked for protects nothing."""
    assert unprotected_spans([call(10, 1, True, granted=False)]) == [Span(-FOREVER, FOREVER)]


@pytest.mark.parametrize(
    ("begun", "ended", "age"),
    [
        pytest.param(12, 19, 0, id="covered"),
        pytest.param(9, 19, 2, id="from one second before the request to its answer"),
        pytest.param(10.5, 19, 0, id="the request was under way already"),
        pytest.param(20.5, 35, 10, id="begun in a release, which counts from its end"),
        pytest.param(12, 20.5, 8.5, id="released under a running job"),
        pytest.param(22, 25, 3, id="over before protection came"),
    ],
)
def test_the_age_of_a_job_without_protection(begun: float, ended: float, age: float) -> None:
    """Exposure is the age at which a job was last unprotected, counted from the end of the call it began in."""
    assert longest_exposure([Held(begun, ended)], CALLS) == age


def test_the_worst_job_decides() -> None:
    """One job without protection is not made good by a thousand with it."""
    assert longest_exposure([Held(12, 19)] * 1000 + [Held(22, 29)], CALLS) == 7


@pytest.mark.parametrize(
    ("begun", "ended", "idle"),
    [
        pytest.param(12, 18, 2, id="two seconds after the last job"),
        pytest.param(12, 22, -2, id="under a running job"),
        pytest.param(19.9, 22, FOREVER, id="a job that nobody could know of"),
        pytest.param(22, 23, FOREVER, id="a job that came later"),
    ],
)
def test_how_long_nobody_had_worked_before_a_release(begun: float, ended: float, idle: float) -> None:
    """Idleness counts from the end of the last job to the request that ends protection."""
    assert shortest_idleness([Held(begun, ended)], CALLS, way_seconds=0.25) == idle
