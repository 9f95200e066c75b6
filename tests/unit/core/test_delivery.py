"""What becomes of messages, told as playbooks."""

from __future__ import annotations

import pytest

from supervisor.core.delivery.facts import (
    AppReady,
    AppUnready,
    Deleted,
    DeliveryAnswered,
    DeliveryFailed,
    Failure,
    Returned,
    ReturnFailed,
    StartGranted,
    StartRefused,
    Trouble,
)
from supervisor.core.delivery.names import HOLDER, QUEUE_HOLD, hold_of
from supervisor.core.delivery.orders import CheckApp, Delete, Deliver, Forget, Return
from supervisor.core.delivery.values import EDGES, Phase
from supervisor.core.events import HoldReleased, HoldTaken, Tick

from .delivery.script import (
    JOBS,
    OPEN,
    ORDERED,
    SHUT,
    Script,
    brought,
    call,
    d,
    delivering,
    leaving,
    m,
    ordered,
    poll,
    ready,
)
from .playbook import at, told


def done(number: int, status: int = 200) -> DeliveryAnswered:
    return DeliveryAnswered(d(number), status)


def returns(*numbers: int, seconds: int = 0, count: int = 1) -> Return:
    return Return(tuple(call(number, count) for number in numbers), JOBS, seconds)


def test_a_message_that_succeeds_is_deleted_and_nothing_else() -> None:
    """Received, delivered, answered with 200, deleted; then the next poll has room for it again."""
    assert (
        delivering(m(1, size=7))
        >> at(3)
        >> done(1)
        << told("delivery.done", message="m1", queue="jobs", receives=1, status=200, seconds=3.0, bytes=7)
        << Delete(call(1), JOBS)
        << poll(2, 1)
        >> Deleted(call(1))
        << Forget(d(1))
    )


def test_nothing_is_polled_before_it_is_welcome_and_the_app_is_ready() -> None:
    """The first poll waits for both: for the rest of the task, and for the app's first sign of life."""
    assert (
        Script()
        >> Tick()
        >> OPEN
        << CheckApp()
        >> AppUnready("connection refused")
        << told("app.not_ready", why="connection refused")
        >> at(0.4)
        >> at(1)
        << CheckApp()
        >> AppUnready("connection refused")
        >> at(3)
        << CheckApp()
        >> AppReady()
        << told("app.ready")
        << poll(1)
    )


def test_a_delivery_is_a_hold_from_before_it_starts_until_it_is_deleted() -> None:
    """It asks as every holder does; while SQS has an answer or a message to come, somebody looks for work as well."""
    looks = HoldTaken(QUEUE_HOLD, HOLDER, "waits for SQS", fetching=True)
    asks = HoldTaken(hold_of(d(1)), HOLDER, "m1 from jobs, receive 2", asks=True)
    assert (
        Script(grants=False, connections=1)
        >> OPEN
        << looks
        << CheckApp()
        >> AppReady()
        << told("app.ready")
        << poll(1, 1)
        >> brought(1, m(1, receives=2))
        << asks
        >> StartGranted(d(1), protected=True)
        << Deliver(d(1))
        >> done(1)
        << told("delivery.done")
        << Delete(call(1), JOBS)
        << poll(2, 1)
        >> SHUT
        >> brought(2)
        << HoldReleased(QUEUE_HOLD)
        >> Deleted(call(1))
        << Forget(d(1))
        << HoldReleased(hold_of(d(1)))
    )


def test_what_is_refused_is_handed_back_and_asked_for_less_often() -> None:
    """Without protection, and with a policy that is closed, polling pauses: each receive counts against the message."""
    looks = HoldTaken(QUEUE_HOLD, HOLDER, "waits for SQS", fetching=True)
    assert (
        Script(grants=False, connections=1)
        >> OPEN
        << looks
        << CheckApp()
        >> AppReady()
        << told("app.ready")
        << poll(1, 1)
        >> brought(1, m(1))
        << HoldTaken(hold_of(d(1)), HOLDER, "m1 from jobs, receive 1", asks=True)
        >> StartRefused(d(1), "no protection within 10 s")
        << HoldReleased(hold_of(d(1)))
        << returns(1)
        >> StartRefused(d(1), "said twice")
        >> StartGranted(d(1), protected=True)
        >> Returned((call(1),))
        << Forget(d(1))
        << told("deliveries.handed_back", messages=("m1",))
        >> at(0.9)
        >> at(3)
        << poll(2, 1)
    )


@pytest.mark.parametrize("fact", [SHUT, AppUnready("it is being restarted")])
def test_what_has_not_begun_goes_back_when_nothing_may_begin(fact: object) -> None:
    """I2: all but the started one is visible at once, in batches of ten."""
    script = ready(connections=1, prefetch=11) << poll(1) >> brought(1, *(m(n) for n in range(1, 11)))
    script = script << Deliver(d(1)) << poll(2, 2) >> brought(2, m(11), m(12)) >> fact
    if isinstance(fact, AppUnready):
        script = script << told("app.not_ready")
    assert (
        script
        << returns(*range(2, 12))
        << returns(12)
        >> Returned(tuple(call(n) for n in range(2, 12)))
        << Forget(d(2))
        << Forget(d(3))
        << Forget(d(4))
        << Forget(d(5))
        << Forget(d(6))
        << Forget(d(7))
        << Forget(d(8))
        << Forget(d(9))
        << Forget(d(10))
        << Forget(d(11))
        << told("deliveries.handed_back", messages=tuple(f"m{n}" for n in range(2, 12)))
    )
    assert script.phase(1) is Phase.DELIVERING


def test_what_a_late_poll_brings_goes_back_unstarted() -> None:
    """I1, I2: nothing more is asked for, and what was asked for before is handed back."""
    assert (
        ready()
        << poll(1)
        >> SHUT
        >> brought(1, m(1))
        << returns(1)
        >> Returned((call(1),))
        << Forget(d(1))
        << told("deliveries.handed_back")
        >> at(1000)
    )


def test_a_hand_back_waits_for_our_own_polls() -> None:
    """A poll under way would receive it again, and each receive counts; at the deadline it goes back all the same."""
    script = ready(prefetch=10, connections=1, wait=5) << poll(1, wait=5)
    script = script >> brought(1, m(1), m(2)) << Deliver(d(1))
    script = script << poll(2, 9, wait=5) >> leaving(20, 21)
    assert script >> at(4) >> brought(2) << returns(2)
    script = ready(prefetch=10, connections=1, wait=5) << poll(1, wait=5)
    script = script >> brought(1, m(1), m(2)) << Deliver(d(1))
    script = script << poll(2, 9, wait=5) >> leaving(4, 5)
    assert script >> at(3) << told("deliveries.abandoned") << told("deliveries.unsettled") << returns(2)


def test_more_than_was_asked_for_goes_back() -> None:
    """However much a poll brings, no more is held than there are slots."""
    script = ready(connections=1) << poll(1, 1) >> brought(1, m(1), m(2))
    assert script << Deliver(d(1)) << returns(2)


def test_a_failure_goes_back_with_the_error_visibility() -> None:
    """An answer that is no success is no reason to delete."""
    assert (
        delivering(m(1), error_visibility=7)
        >> done(1, 500)
        << told("delivery.failed", why="status 500", back_in=7)
        << returns(1, seconds=7)
        << poll(2, 1)
        >> Returned((call(1),))
        << Forget(d(1))
    )


def test_what_still_runs_at_the_deadline_is_named_and_left() -> None:
    """I4: where nobody knows how long the app lives on, its message keeps its lease."""
    assert (
        delivering(m(1), m(2))
        >> leaving(20, 21)
        >> at(18.9)
        >> at(19)
        << told("deliveries.abandoned", messages=("m1 from jobs", "m2 from jobs"))
        >> at(1000)
    )


def test_a_lease_is_cut_to_when_the_app_is_certainly_gone() -> None:
    """Where the app dies with us, the message comes back five seconds after; a success before that still deletes it."""
    script = delivering(m(1), app_outlives=0) >> leaving(20, 21) >> at(19)
    script = script << told("deliveries.abandoned") << returns(1, seconds=7)
    assert script.phase(1) is Phase.ABANDONED
    assert (
        script
        >> Returned((call(1),))
        >> done(1)
        << told("delivery.done")
        << Delete(call(1, 2), JOBS)
        >> Deleted(call(1, 2))
        << Forget(d(1))
    )


def test_a_lease_that_ends_sooner_is_not_lengthened() -> None:
    """What comes back by itself before the app is gone is left as it is, and so is what is not ours any more."""
    script = delivering(m(1), visibility_timeout=3, keeps_leases=False, inactivity_timeout=2, app_outlives=0)
    script = script >> leaving(2, 3) >> at(1) << told("deliveries.abandoned")
    assert script >> at(100)
    script = delivering(m(1), visibility_timeout=3, keeps_leases=False, inactivity_timeout=2, app_outlives=0)
    script = script >> at(3) << told("delivery.possible_duplicate") >> leaving(20, 21)
    assert script >> at(19) << told("deliveries.abandoned") >> at(100)


def test_a_lease_is_not_cut_without_a_date() -> None:
    """Where it is not known when we exit, it cannot be known when the app is gone."""
    script = delivering(m(1), app_outlives=0) >> leaving(20, float("inf")) >> at(19)
    assert script << told("deliveries.abandoned")


def test_what_cannot_be_left_shorter_is_tried_again_and_then_left() -> None:
    """The cut is a kindness: it is tried again after a fault, and not where the message is not ours."""
    script = delivering(m(1), app_outlives=0) >> leaving(20, 30) >> at(19)
    script = script << told("deliveries.abandoned") << returns(1, seconds=16)
    script = script >> ReturnFailed((call(1),), Trouble.THROTTLED)
    script = script >> at(20) << returns(1, seconds=16, count=2)
    assert script >> ReturnFailed((call(1, 2),), Trouble.LOST) >> at(1000)


def test_what_sqs_has_not_confirmed_by_the_deadline_is_named() -> None:
    """A delete without an answer may or may not have happened."""
    script = delivering(m(1)) >> leaving(20, 21) >> done(1) << told("delivery.done")
    script = (
        script << Delete(call(1), JOBS) >> at(19) << told("deliveries.unsettled", messages=("m1 from jobs",))
    )
    assert script >> Deleted(call(1)) << Forget(d(1))


def test_after_a_resume_everything_is_as_before() -> None:
    """Quiet is no end: polls are asked for again."""
    assert (
        delivering(m(1))
        >> SHUT
        >> done(1)
        << told("delivery.done")
        << Delete(call(1), JOBS)
        >> OPEN
        << poll(2, 1)
    )


def test_in_a_fifo_group_one_runs_at_a_time_in_order() -> None:
    """The second begins when the first is deleted, not when it succeeds: a delete that fails would turn them round."""
    script = ready(queues=(ordered,), connections=3) << poll(1, 3, ORDERED)
    assert (
        script
        >> brought(1, m(1, group="a"), m(2, group="a"), m(3, group="b"))
        << Deliver(d(1))
        << Deliver(d(3))
        >> done(1)
        << told("delivery.done")
        << Delete(call(1), ORDERED)
        << poll(2, 1, ORDERED)
        >> Deleted(call(1))
        << Forget(d(1))
        << Deliver(d(2))
    )


def in_one_group() -> Script:
    """Tell of three messages of one group, of which the first runs, and one of another."""
    script = ready(queues=(ordered,), connections=4, error_visibility=5) << poll(1, 4, ORDERED)
    group = [m(number, group="a") for number in (1, 2, 3)]
    return script >> brought(1, *group, m(4, group="b")) << Deliver(d(1)) << Deliver(d(4))


BEHIND = Return((call(2), call(3)), ORDERED, 0)


def test_when_one_of_a_fifo_group_fails_those_behind_it_go_back() -> None:
    """They are handed back unstarted, at once: SQS keeps them behind the one that failed."""
    script = in_one_group() >> done(1, 500) << told("delivery.failed")
    assert script << Return((call(1),), ORDERED, 5) << BEHIND << poll(2, 3, ORDERED)


def test_when_one_of_a_fifo_group_does_not_reach_the_app_those_behind_it_go_back() -> None:
    """I6: it has not failed, and comes back first."""
    script = in_one_group() >> DeliveryFailed(d(1), Failure.REFUSED) << told("app.not_ready")
    assert script << Return((call(1),), ORDERED, 1) << BEHIND


def test_when_one_of_a_fifo_group_loses_its_lease_those_behind_it_go_back() -> None:
    """Somebody else may have it now, and the next must not overtake it there."""
    script = ready(queues=(ordered,), connections=2, keeps_leases=False) << poll(1, 2, ORDERED)
    script = script >> brought(1, m(1, group="a")) << Deliver(d(1)) << poll(2, 1, ORDERED)
    script = script >> at(1) >> brought(2, m(2, group="a")) >> at(299)
    assert (
        script
        >> at(300)
        << told("delivery.possible_duplicate", message="m1")
        << Return((call(2),), ORDERED, 0)
        << poll(3, 1, ORDERED)
    )


def test_a_message_that_is_received_again_does_not_run_twice() -> None:
    """The newer receipt takes the place of the older one, and the lease counts from it."""
    script = ready(connections=2) << poll(1, 2) >> brought(1, m(1)) << Deliver(d(1)) << poll(2, 1)
    script = script >> brought(2, m(1, again=9, receives=2)) << Forget(d(9))
    assert (
        script
        << told("delivery.received_again", message="m1", receives=2)
        << poll(3, 1)
        >> done(1)
        << told("delivery.done", receives=2)
        << Delete(call(1, 1, 9), JOBS)
    )


def test_the_edges_say_everything_once() -> None:
    """Every phase can be reached from the first, and leads to the end."""
    assert len(set(EDGES)) == len(EDGES)
    assert {edge.to for edge in EDGES} | {Phase.RECEIVED} == set(Phase)
    assert {edge.from_ for edge in EDGES} == set(Phase) - {Phase.ENDED}
