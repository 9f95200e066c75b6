"""What each answer of the app's, or its silence, leads to."""

from __future__ import annotations

import pytest

from supervisor.core.delivery import Phase
from supervisor.core.delivery.facts import DeliveryAnswered, DeliveryFailed, Failure, Returned
from supervisor.core.delivery.orders import Delete, Deliver, Extend, Forget, Return
from supervisor.core.effects import Level
from tests.unit.core.playbook import at, told

from .script import JOBS, brought, call, d, delivering, leaving, m, poll, ready


def back(seconds: int) -> Return:
    return Return((call(1),), JOBS, seconds)


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [
        (500, None, 2),
        (500, 60.0, 2),
        (503, 60.0, 60),
        (429, 0.5, 1),
        (429, -3.0, 0),
        (503, 86_400.0, 900),
    ],
)
def test_retry_after_is_honoured_where_it_means_anything(
    status: int, retry_after: float | None, seconds: int
) -> None:
    """With 429 and 503, in whole seconds, and not for longer than the policy allows."""
    script = delivering(m(1)) >> DeliveryAnswered(d(1), status, retry_after)
    assert script << told("delivery.failed", back_in=seconds) << back(seconds) << poll(2, 1)


@pytest.mark.parametrize(
    ("kind", "policy", "seconds"),
    [
        (Failure.INACTIVE, {}, None),
        (Failure.INACTIVE, {"inactive_visibility": 0}, 1),
        (Failure.INACTIVE, {"inactive_visibility": 30}, 30),
        (Failure.CUT, {"error_visibility": 0}, 1),
        (Failure.CUT, {"error_visibility": 9}, 9),
        (Failure.CUT, {"error_visibility": None}, None),
        (Failure.IMPOSSIBLE, {"error_visibility": 0}, 0),
    ],
)
def test_a_job_that_may_still_run_does_not_come_back_at_once(
    kind: Failure, policy: dict[str, int | None], seconds: int | None
) -> None:
    """Silence and a cut connection do not stop the job; what could not be sent has not begun."""
    script = delivering(m(1), **policy) >> DeliveryFailed(d(1), kind, "so long")
    script = script << told("delivery.failed", why=f"{kind.value}: so long", back_in=seconds)
    script = script << Forget(d(1)) if seconds is None else script << back(seconds)
    assert script << poll(2, 1)


@pytest.mark.parametrize("kind", [Failure.REFUSED, Failure.CONNECT_TIMEOUT])
def test_a_message_the_app_has_not_heard_of_is_handed_back(kind: Failure) -> None:
    """It has not failed; after a second, because everybody's app may be down."""
    script = delivering(m(1)) >> DeliveryFailed(d(1), kind)
    assert script << told("app.not_ready", why=kind.value) << back(1)


def test_on_the_way_out_it_is_visible_at_once() -> None:
    """I6: whoever takes it next is another task."""
    script = delivering(m(1)) >> leaving(20, 21) >> DeliveryFailed(d(1), Failure.REFUSED)
    assert script << told("app.not_ready") << back(0)


def test_an_answer_about_what_does_not_run_changes_nothing() -> None:
    """Whatever comes twice, or late."""
    script = ready(connections=1, prefetch=1) << poll(1, 2) >> brought(1, m(1), m(2)) << Deliver(d(1))
    script = script >> DeliveryAnswered(d(2), 200) >> DeliveryFailed(d(2), Failure.CUT)
    script = script >> DeliveryAnswered(d(9), 200) >> DeliveryFailed(d(9), Failure.CUT)
    assert script.phase(1) is Phase.DELIVERING


def test_a_late_answer_after_the_lease_is_over_is_still_a_success() -> None:
    """Abandoned and without a lease: one try to delete it."""
    script = delivering(m(1), keeps_leases=False, visibility_timeout=20, inactivity_timeout=19)
    script = script >> leaving(19, 21) >> at(18) << told("deliveries.abandoned")
    script = script >> at(20.5) >> DeliveryAnswered(d(1), 200) << told("delivery.done")
    assert script.state.open[d(1)].is_lost


def test_a_success_after_the_lease_is_over_is_named() -> None:
    """Where an extension was asked for and not answered, nobody has said so before."""
    script = delivering(m(1))
    script = script >> at(script.state.open[d(1)].beat_at) << Extend(call(1), JOBS, 300)
    script = script >> at(301) >> DeliveryAnswered(d(1), 200) << told("delivery.done")
    script = script << told("delivery.possible_duplicate", message="m1") << Delete(call(1, 2), JOBS)
    assert script << poll(2, 1)


@pytest.mark.parametrize("status", [201, 204, 301, 307])
def test_an_answer_that_looks_like_success_is_explained_once(status: int) -> None:
    """Only 200 deletes; whoever answers otherwise is told which setting there is."""
    script = (
        delivering(m(1)) >> DeliveryAnswered(d(1), status) << told("delivery.failed", why=f"status {status}")
    )
    script = script << told("delivery.strange_answer", status=status) << back(2) << poll(2, 1)
    script = script >> Returned((call(1),)) << Forget(d(1))
    script = script >> brought(2, m(2)) << Deliver(d(2)) >> DeliveryAnswered(d(2), status)
    assert script << told("delivery.failed") << Return((call(2),), JOBS, 2) << poll(3, 1)


def test_when_all_fail_alike_the_likely_cause_is_told_once() -> None:
    """Five in a row and not one success: a setting, not a message."""
    script = delivering(*(m(number) for number in range(1, 8)), error_visibility=None)
    for number in range(1, 8):
        # The first is another failure than the others: one bad message does not hide the cause.
        fact = DeliveryAnswered(d(number), 403) if number > 1 else DeliveryFailed(d(1), Failure.CUT)
        script = script >> fact << told("delivery.failed") << Forget(d(number))
        script = script << told("deliveries.all_fail", outcome="403") if number == 6 else script
        script = script << poll(2, 1) if number == 1 else script
    assert script


def test_the_cause_is_told_of_connections_too() -> None:
    """An outcome is a status, or why there was none."""
    script = delivering(*(m(number) for number in range(1, 6)), error_visibility=None)
    for number in range(1, 6):
        script = (
            script >> DeliveryFailed(d(number), Failure.CUT) << told("delivery.failed") << Forget(d(number))
        )
        script = script << poll(2, 1) if number == 1 else script
    assert script << told("deliveries.all_fail", outcome=Failure.CUT.value)


def test_after_one_success_nothing_is_guessed() -> None:
    """Then it is the messages."""
    script = delivering(*(m(number) for number in range(1, 8)), error_visibility=None)
    script = (
        script >> DeliveryAnswered(d(1), 200) << told("delivery.done") << Delete(call(1), JOBS) << poll(2, 1)
    )
    for number in range(2, 8):
        script = script >> DeliveryAnswered(d(number), 403) << told("delivery.failed") << Forget(d(number))
    assert script


def test_levels_say_what_is_at_stake() -> None:
    """A failed delivery is a warning: its message is safe."""
    script = delivering(m(1)) >> DeliveryAnswered(d(1), 500)
    assert script._unclaimed[0].level is Level.WARNING  # type: ignore[union-attr]
