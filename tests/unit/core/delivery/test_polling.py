"""Which queue is asked, for how much, and for how long."""

from __future__ import annotations

import pytest

from supervisor.core.delivery import QueuePolicy
from supervisor.core.delivery.facts import DeliveryAnswered, PollFailed, Trouble
from supervisor.core.delivery.names import PollId, QueueName
from supervisor.core.delivery.orders import Delete, Deliver, Forget
from supervisor.core.delivery.policy import MOST_AT_ONCE
from supervisor.core.effects import Level
from tests.unit.core.playbook import at, told

from .script import (
    JOBS,
    MAIL,
    ORDERED,
    Script,
    brought,
    call,
    d,
    jobs,
    m,
    mail,
    poll,
    ready,
)

NEWS = QueueName("news")


def test_no_more_is_asked_for_than_there_are_slots() -> None:
    """Polls under way count as if they brought all they may."""
    script = ready(connections=12) << poll(1) >> brought(1, *(m(number) for number in range(1, 11)))
    for number in range(1, 11):
        script = script << Deliver(d(number))
    assert script << poll(2, 2)


def test_idle_one_poll_waits_for_each_queue() -> None:
    """Where all have room nobody waits for anybody, so each poll waits as long as SQS lets it."""
    script = ready(queues=(jobs, mail), connections=10) << poll(1, 5) << poll(2, 5, MAIL)
    assert script >> brought(1) << poll(3, 5) >> brought(2) << poll(4, 5, MAIL)


def test_full_batches_bring_more_polls_and_an_empty_one_ends_them() -> None:
    """One poll brings ten messages; a hundred slots need more than one."""
    script = ready(connections=40) << poll(1)
    script = script >> brought(1, *(m(number) for number in range(1, 11)))
    for number in range(1, 11):
        script = script << Deliver(d(number))
    script = script << poll(2) << poll(3) >> brought(3, m(11)) << Deliver(d(11))
    script = script >> brought(2)
    assert script << poll(4)


def test_weights_share_what_is_scarce() -> None:
    """With one slot, and messages in both, the heavier gets three turns of four, evenly mixed."""
    heavy = QueuePolicy(MAIL, weight=3)
    script = ready(queues=(jobs, heavy), connections=1, error_visibility=None)
    asked: list[str] = []
    for number in range(1, 9):
        given = script._unclaimed.pop()
        asked.append(given.queue)  # type: ignore[union-attr]
        assert given == poll(number, 1, given.queue, wait=0)  # type: ignore[union-attr]
        script = script >> brought(number, m(number)) << Deliver(d(number))
        script = script >> DeliveryAnswered(d(number), 500)
        del script._unclaimed[:-1]
    assert asked == ["mail", "jobs", "mail", "mail", "mail", "jobs", "mail", "mail"]


def test_a_strict_order_leaves_nothing_for_the_others() -> None:
    """A queue gets a turn when those before it have just brought nothing; the waits are short then."""
    script = ready(queues=(jobs, mail), connections=1, is_strict=True, error_visibility=None)
    script = script << poll(1, 1, wait=0) >> brought(1, m(1)) << Deliver(d(1))
    script = script >> DeliveryAnswered(d(1), 500) << told("delivery.failed") << Forget(d(1))
    script = script << poll(2, 1, wait=0) >> brought(2) << poll(3, 1, MAIL, wait=1)
    script = script >> at(0.5) >> brought(3, m(2)) << Deliver(d(2))
    script = script >> DeliveryAnswered(d(2), 500) << told("delivery.failed") << Forget(d(2))
    script = script << poll(4, 1, MAIL, wait=1) >> at(1) >> brought(4) << poll(5, 1, wait=1)
    assert script >> brought(5) << poll(6, 1, MAIL, wait=1)


def test_when_all_are_empty_the_one_that_was_asked_longest_ago_is_next() -> None:
    """Nobody is forgotten, and nobody is asked in a tight loop."""
    queues = (jobs, mail, QueuePolicy(NEWS))
    script = ready(queues=queues, connections=1) << poll(1, 1, wait=0) >> at(0.1)
    script = script >> brought(1) << poll(2, 1, MAIL, wait=0) >> at(0.2)
    script = script >> brought(2) << poll(3, 1, NEWS, wait=1) >> at(0.3)
    assert script >> brought(3) << poll(4, 1, JOBS, wait=1)


def test_an_empty_queue_leaves_its_room_to_one_that_has_messages() -> None:
    """Half of the slots are enough while nobody knows; one is enough for a queue that was empty."""
    script = ready(queues=(jobs, mail), connections=6) << poll(1, 3) << poll(2, 3, MAIL)
    script = script >> brought(2, m(1), m(2), m(3)) << Deliver(d(1)) << Deliver(d(2)) << Deliver(d(3))
    assert script >> brought(1) << poll(3, 2, MAIL) << poll(4, 1)


def test_one_that_was_empty_asks_for_one() -> None:
    """It comes first where it ranks first, but the room is for the one that has messages."""
    script = ready(queues=(jobs, mail), connections=2, is_strict=True, error_visibility=None)
    script = script << poll(1, 1) << poll(2, 1, MAIL) >> brought(1) << poll(3, 1)
    script = script >> brought(2, m(1)) << Deliver(d(1)) >> at(0.5)
    script = script >> brought(3) << poll(4, 1, MAIL, wait=1) >> brought(4, m(2)) << Deliver(d(2)) >> at(3)
    script = script >> DeliveryAnswered(d(1), 500) << told("delivery.failed") << Forget(d(1))
    assert script << poll(5, 1, wait=0)


def test_trouble_with_one_queue_leaves_the_others_alone() -> None:
    """It is asked again after a pause that grows; told once, and once more when it answers."""
    script = ready(queues=(jobs, mail), connections=2) << poll(1, 1) << poll(2, 1, MAIL)
    script = script >> PollFailed(PollId(1), Trouble.THROTTLED, "slow down")
    script = script << told("queue.trouble", queue="jobs", kind="throttled", detail="slow down")
    script = script >> at(0.2) >> at(0.5) << poll(3, 1) >> PollFailed(PollId(3), Trouble.THROTTLED)
    script = script >> at(1.5) << poll(4, 1) >> brought(4)
    assert script << told("queue.answers_again", queue="jobs", tries=2) << poll(5, 1)


def test_what_a_person_has_to_mend_is_an_error() -> None:
    """Waiting does not help against a missing permission; but it may be given while the task runs."""
    script = ready() << poll(1) >> PollFailed(PollId(1), Trouble.DENIED, "AccessDenied")
    assert script._unclaimed[0].level is Level.ERROR  # type: ignore[union-attr]
    script = script << told("queue.trouble")
    assert script >> at(0.5) << poll(2)


def test_a_poll_is_answered_once() -> None:
    """What comes twice changes nothing."""
    script = ready() << poll(1) >> brought(1) << poll(2)
    assert script >> brought(1, m(1)) >> PollFailed(PollId(1), Trouble.OTHER) >> brought(7, m(2))


@pytest.mark.parametrize(("answered_at", "lease_until"), [(22, 52), (23, 30)])
def test_a_late_answer_may_have_waited_for_us(answered_at: float, lease_until: float) -> None:
    """A process that was frozen counts a lease from when it asked."""
    script = ready(connections=1, visibility_timeout=30, keeps_leases=False, inactivity_timeout=25)
    script = script << poll(1, 1) >> at(answered_at) >> brought(1, m(1)) << Deliver(d(1))
    assert script.state.open[d(1)].lease_until == lease_until


def test_what_others_may_have_by_now_does_not_begin() -> None:
    """Its lease has ended while the answer waited for us."""
    script = ready(connections=1, visibility_timeout=30) << poll(1, 1) >> at(35) >> brought(1, m(1))
    assert script << Forget(d(1)) << told("delivery.lapsed", message="m1") << poll(2, 1)


def test_polls_wait_while_too_many_messages_are_settling() -> None:
    """More than there are slots, and than go into one call: SQS must be in trouble, and more would only wait for it."""
    script, most = ready(connections=1) << poll(1, 1), MOST_AT_ONCE + 1
    for number in range(1, most + 1):
        script = script >> brought(number, m(number)) << Deliver(d(number))
        script = script >> DeliveryAnswered(d(number), 200) << told("delivery.done")
        script = script << Delete(call(number), JOBS)
        script = script << poll(number + 1, 1) if number < most else script
    assert script


def test_a_fifo_queue_can_be_asked_for_one_at_a_time() -> None:
    """Then each message comes when it can begin, and as many polls as needed help."""
    one = QueuePolicy(ORDERED, is_fifo=True, batch=1)
    script = Script(queues=(one,), connections=3)
    script = ready(queues=(one,), connections=3) << poll(1, 1, ORDERED)
    script = script >> brought(1, m(1, group="a")) << Deliver(d(1)) << poll(2, 1, ORDERED)
    assert script << poll(3, 1, ORDERED)
