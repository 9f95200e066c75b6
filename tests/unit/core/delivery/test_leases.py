"""The lease on a message: kept while it is wanted, lost, deleted under, given back."""

from __future__ import annotations

import pytest

from supervisor.core.delivery import Phase
from supervisor.core.delivery.facts import (
    Deleted,
    DeleteFailed,
    DeliveryAnswered,
    DeliveryFailed,
    Extended,
    ExtendFailed,
    Failure,
    Returned,
    ReturnFailed,
    Trouble,
)
from supervisor.core.delivery.orders import Delete, Deliver, Extend, Forget, Return
from tests.unit.core.playbook import at, told

from .script import JOBS, SHUT, Script, brought, call, d, delivering, leaving, m, poll, ready


def beating(**how: object) -> Script:
    """Tell of a job that runs until its first extension is asked for."""
    script = delivering(m(1), **how)
    return script >> at(script.state.open[d(1)].beat_at) << extend(1)


def extend(count: int, seconds: int = 300) -> Extend:
    return Extend(call(1, count), JOBS, seconds)


def later(script: Script, seconds: float) -> Script:
    return script >> at(script.now + seconds)


def test_a_lease_is_extended_before_a_third_of_it_is_over() -> None:
    """Again and again, each time by the whole length, counted from the asking."""
    script = beating()
    asked_at = script.now
    assert 50 <= asked_at <= 100
    script = later(script, 3) >> Extended(call(1))
    assert script.state.open[d(1)].lease_until == asked_at + 300
    assert later(later(script, 49), 51) << extend(2)


def test_tasks_do_not_extend_in_step() -> None:
    """Another task, or another message, has another instant."""
    instants = {
        delivering(m(number), identity=task).engine.wake_at() for number in (1, 2) for task in ("a", "b")
    }
    assert len(instants) == 4
    assert all(50 <= instant <= 100 for instant in instants)


def test_a_lease_is_left_alone_where_that_is_wished() -> None:
    """Without extensions the message is named when it may be received elsewhere, and the job goes on."""
    script = delivering(m(1), keeps_leases=False) >> at(299.9) >> at(300)
    script = script << told(
        "delivery.possible_duplicate", message="m1", why="its lease has ended", seconds=300.0
    )
    assert script.phase(1) is Phase.LOST


def test_a_fault_is_tried_again_and_told_once() -> None:
    """Throttling and a network that is down cost nothing but time, as long as the lease lasts."""
    script = beating() >> ExtendFailed(call(1), Trouble.THROTTLED, "slow down")
    script = script << told("delivery.not_extended", why="slow down")
    script = later(script, 0.5) << extend(2) >> ExtendFailed(call(1, 2), Trouble.UNREACHABLE)
    script = later(script, 1) << extend(3) >> Extended(call(1, 3))
    assert script.state.open[d(1)].missed == 0


def test_a_lost_lease_is_named_and_the_job_goes_on() -> None:
    """Its message is deleted with one try: that works where nobody else has received it yet."""
    script = beating() >> ExtendFailed(call(1), Trouble.LOST, "not in flight")
    script = script << told("delivery.possible_duplicate", why="not in flight")
    script = script >> at(500) >> DeliveryAnswered(d(1), 200) << told("delivery.done")
    script = script << Delete(call(1, 2), JOBS) << poll(2, 1)
    assert script >> DeleteFailed(call(1, 2), Trouble.UNREACHABLE) << Forget(d(1))
    assert script.state.ended == {"not deleted while its lease lasted": 1}


def test_a_failure_after_a_lost_lease_calls_nobody() -> None:
    """There is nothing left to give back."""
    script = beating() >> ExtendFailed(call(1), Trouble.LOST) << told("delivery.possible_duplicate")
    script = script >> DeliveryAnswered(d(1), 500) << told("delivery.failed") << Forget(d(1))
    assert script << poll(2, 1)


def test_a_refused_connection_after_a_lost_lease_calls_nobody() -> None:
    """The app is not ready all the same."""
    script = beating() >> ExtendFailed(call(1), Trouble.LOST) << told("delivery.possible_duplicate")
    script = script >> DeliveryFailed(d(1), Failure.REFUSED) << Forget(d(1))
    assert script << told("app.not_ready", why="connection refused")


def test_a_lost_message_that_comes_again_is_ours_again() -> None:
    """Then no other task has it, and what is deleted is the newer receipt."""
    script = ready(connections=2, keeps_leases=False) << poll(1, 2) >> brought(1, m(1)) << Deliver(d(1))
    script = script << poll(2, 1) >> at(285) >> brought(2) << poll(3, 1)
    script = script >> at(300) << told("delivery.possible_duplicate")
    script = script >> brought(3, m(1, again=5)) << Forget(d(5)) << told("delivery.received_again")
    assert script << poll(4, 1)
    assert script.phase(1) is Phase.DELIVERING


def test_a_success_that_comes_again_is_deleted_by_its_newer_receipt() -> None:
    """The delete that is under way may have deleted nothing."""
    script = ready(connections=2) << poll(1, 2) >> brought(1, m(1)) << Deliver(d(1)) << poll(2, 1)
    script = script >> DeliveryAnswered(d(1), 200) << told("delivery.done") << Delete(call(1), JOBS)
    script = script >> brought(2, m(1, again=5)) << Forget(d(5)) << told("delivery.received_again")
    script = script << Delete(call(1, 2, 5), JOBS) << poll(3, 2) >> Deleted(call(1))
    assert script.phase(1) is Phase.SUCCEEDED


@pytest.mark.parametrize("outlives", [None, 0])
def test_what_was_abandoned_and_comes_again_is_not_visible_at_once(outlives: float | None) -> None:
    """Its job may still run: the newer lease is cut as the older one was, or left alone as that was."""
    script = ready(connections=2, app_outlives=outlives) << poll(1, 2) >> brought(1, m(1)) << Deliver(d(1))
    script = script << poll(2, 1) >> leaving(20, 21) >> at(19) << told("deliveries.abandoned")
    script = script if outlives is None else script << Return((call(1),), JOBS, 7)
    script = script >> brought(2, m(1, again=5)) << Forget(d(5)) << told("delivery.received_again")
    script = script if outlives is None else script << Return((call(1, 2, 5),), JOBS, 7)
    assert script.phase(1) is Phase.ABANDONED


def test_what_was_abandoned_and_lost_is_deleted_with_one_try() -> None:
    """An extension was under way at the deadline, and SQS says that the message is not ours."""
    script = beating()
    script = script >> leaving(script.now + 20, script.now + 21)
    script = later(script, 19) << told("deliveries.abandoned") >> ExtendFailed(call(1), Trouble.LOST)
    assert script >> DeliveryAnswered(d(1), 500) << told("delivery.failed") << Forget(d(1))


def test_no_message_is_kept_for_more_than_twelve_hours() -> None:
    """The last extension reaches up to the limit, less a margin; when that is over the message is named."""
    script = delivering(m(1), visibility_timeout=30_000)
    count = 0
    while (due := script.state.open[d(1)].beat_at) < 43_170 - 1:
        script = script >> at(due)
        if script.said("delivery.twelve_hours"):
            break
        count += 1
        script = script << extend(count, min(30_000, int(43_170 - due))) >> Extended(call(1, count))
    assert 2 <= count <= 9
    assert script.state.open[d(1)].lease_until > 43_168
    assert script >> at(43_168) >> at(43_171) << told("delivery.possible_duplicate")


def test_where_sqs_says_that_it_is_the_limit_it_is() -> None:
    """SQS counts from before we do."""
    script = beating() >> ExtendFailed(call(1), Trouble.LIMIT) << told("delivery.twelve_hours")
    assert script >> at(299) >> at(300) << told("delivery.possible_duplicate")


def test_an_answer_to_an_older_call_changes_nothing() -> None:
    """Only the last call about a delivery counts, and only while it is open."""
    script = beating() >> Extended(call(1, 7)) >> Deleted(call(1, 7)) >> Deleted(call(9))
    assert script.phase(1) is Phase.DELIVERING


def test_a_delete_waits_for_nothing_and_is_tried_while_the_lease_lasts() -> None:
    """Also while an extension is under way; and the lease is kept meanwhile."""
    script = beating() >> DeliveryAnswered(d(1), 200) << told("delivery.done")
    script = script << Delete(call(1, 2), JOBS) << poll(2, 1)
    script = script >> DeleteFailed(call(1, 2), Trouble.UNREACHABLE, "no route")
    script = script << told("delivery.not_deleted", why="no route")
    script = later(script, 0.5) << Delete(call(1, 3), JOBS)
    script = script >> DeleteFailed(call(1, 3), Trouble.UNREACHABLE)
    assert later(script, 1) << Delete(call(1, 4), JOBS) >> Deleted(call(1, 4)) << Forget(d(1))


def test_a_success_whose_message_is_lost_before_the_delete_is_named() -> None:
    """On a FIFO queue the delete fails then, and the job will run again."""
    script = delivering(m(1)) >> DeliveryAnswered(d(1), 200) << told("delivery.done")
    script = script << Delete(call(1), JOBS) << poll(2, 1) >> DeleteFailed(call(1), Trouble.LOST, "expired")
    assert script << told("delivery.possible_duplicate", why="expired") << Forget(d(1))


def test_a_success_that_outlives_its_lease_has_one_more_try() -> None:
    """When the lease ends under a delete that keeps failing, it is named, and tried a last time."""
    script = delivering(m(1), keeps_leases=False, visibility_timeout=6, inactivity_timeout=5)
    script = script >> at(5.5) >> DeliveryAnswered(d(1), 200) << told("delivery.done")
    script = script << Delete(call(1), JOBS) << poll(2, 1) >> DeleteFailed(call(1), Trouble.THROTTLED)
    script = script << told("delivery.not_deleted") >> at(5.99) << Delete(call(1, 2), JOBS)
    script = script >> at(6) >> DeleteFailed(call(1, 2), Trouble.THROTTLED)
    script = script << told("delivery.possible_duplicate") << Delete(call(1, 3), JOBS)
    assert script >> DeleteFailed(call(1, 3), Trouble.THROTTLED) << Forget(d(1))


def test_a_delete_that_is_confirmed_after_the_lease_is_named() -> None:
    """Somebody else may have received the message before, and SQS says of a deleted one that it is deleted."""
    script = delivering(m(1)) >> DeliveryAnswered(d(1), 200) << told("delivery.done")
    script = script << Delete(call(1), JOBS) << poll(2, 1) >> at(300) >> Deleted(call(1))
    assert script << told("delivery.possible_duplicate", message="m1", seconds=300) << Forget(d(1))


def test_what_has_not_begun_when_its_lease_ends_does_not_begin() -> None:
    """It may run elsewhere already."""
    script = ready(connections=1, prefetch=1, keeps_leases=False) << poll(1, 2) >> brought(1, m(1), m(2))
    script = script << Deliver(d(1)) >> at(300) << told("delivery.possible_duplicate", message="m1")
    assert (
        script
        << Forget(d(2))
        << told("delivery.lapsed", message="m2", why="its lease has ended")
        << poll(2, 1)
    )


def test_a_hand_back_that_fails_is_tried_again_and_then_left() -> None:
    """Five tries; then it comes back by itself, and people are told."""
    script = ready() << poll(1) >> SHUT >> brought(1, m(1))
    for count in range(1, 5):
        script = (
            script << Return((call(1, count),), JOBS, 0) >> ReturnFailed((call(1, count),), Trouble.OTHER)
        )
        script = script >> at(count * 10)
    script = script << Return((call(1, 5),), JOBS, 0) >> ReturnFailed((call(1, 5),), Trouble.OTHER, "hm")
    assert script << Forget(d(1)) << told("delivery.not_returned", why="hm")


@pytest.mark.parametrize("kind", [Trouble.LOST, Trouble.LIMIT])
def test_a_hand_back_of_what_is_lost_is_not_tried_again(kind: Trouble) -> None:
    """It is visible already, or will be."""
    script = ready() << poll(1) >> SHUT >> brought(1, m(1)) << Return((call(1),), JOBS, 0)
    assert script >> ReturnFailed((call(1),), kind) << Forget(d(1)) << told("delivery.not_returned")


def test_a_hand_back_that_outlives_its_lease_is_over() -> None:
    """Nothing has to be given back any more."""
    script = ready(visibility_timeout=1) << poll(1) >> SHUT >> brought(1, m(1)) << Return((call(1),), JOBS, 0)
    script = (
        script >> ReturnFailed((call(1),), Trouble.THROTTLED) >> at(0.2) << Return((call(1, 2),), JOBS, 0)
    )
    assert script >> at(1) >> ReturnFailed((call(1, 2),), Trouble.THROTTLED) << Forget(d(1))


def test_a_batch_has_an_outcome_for_each() -> None:
    """HTTP 200 with a list of failures: those are tried again, the others are done."""
    script = ready() << poll(1) >> SHUT >> brought(1, m(1), m(2))
    script = script << Return((call(1), call(2)), JOBS, 0)
    script = (
        script >> Returned((call(2),)) << Forget(d(2)) << told("deliveries.handed_back", messages=("m2",))
    )
    assert script >> ReturnFailed((call(1),), Trouble.THROTTLED) >> at(0.5) << Return((call(1, 2),), JOBS, 0)


def test_near_the_limit_a_message_goes_back_no_later_than_sqs_allows() -> None:
    """And not at once: its job may still run."""
    script = delivering(m(1), visibility_timeout=43_200, keeps_leases=False, error_visibility=300)
    script = script >> at(43_170.5) >> DeliveryFailed(d(1), Failure.CUT) << told("delivery.failed")
    assert script << Return((call(1),), JOBS, 1) << poll(2, 1)
