"""How what was received begins, or does not."""

from __future__ import annotations

from supervisor.core.delivery import Phase
from supervisor.core.delivery.facts import Deleted, DeleteFailed, Trouble
from supervisor.core.delivery.orders import Delete, Deliver, Forget, Return
from tests.unit.core.playbook import at, told

from .script import JOBS, SHUT, brought, call, d, m, poll, ready

DAY = 86_400


def test_what_is_older_than_the_retention_period_is_deleted_unprocessed() -> None:
    """Somebody has asked for it, and each is named."""
    script = ready(connections=2, retention=DAY) << poll(1, 2) >> brought(1, m(1, age=DAY), m(2, age=DAY - 1))
    script = script << told("delivery.outdated", message="m1", age=DAY) << Delete(call(1), JOBS)
    script = script << Deliver(d(2)) << poll(2, 1)
    assert script >> Deleted(call(1)) << Forget(d(1))


def test_nothing_is_deleted_unprocessed_on_the_way_out() -> None:
    """It goes back like everything that has not begun."""
    script = ready(retention=DAY) << poll(1) >> SHUT >> brought(1, m(1, age=DAY))
    assert script << Return((call(1),), JOBS, 0)


def test_an_outdated_message_that_cannot_be_deleted_comes_back() -> None:
    """It is no success, so nothing runs twice; the next receive deletes it."""
    script = (
        ready(connections=1, retention=DAY, visibility_timeout=1) << poll(1, 1) >> brought(1, m(1, age=DAY))
    )
    script = script << told("delivery.outdated") << Delete(call(1), JOBS) << poll(2, 1)
    assert script >> DeleteFailed(call(1), Trouble.LOST) << Forget(d(1))
    script = ready(
        connections=1, retention=DAY, visibility_timeout=6, keeps_leases=False, inactivity_timeout=5
    )
    script = script << poll(1, 1) >> brought(1, m(1, age=DAY)) << told("delivery.outdated")
    script = script << Delete(call(1), JOBS) << poll(2, 1) >> at(5.9)
    script = script >> DeleteFailed(call(1), Trouble.THROTTLED) << told("delivery.not_deleted")
    assert script >> at(6) << Forget(d(1))


def test_a_receive_that_is_told_twice_counts_once() -> None:
    """Whatever the shell does, no message begins twice."""
    script = ready(connections=3) << poll(1, 3) >> brought(1, m(1), m(1)) << Deliver(d(1)) << poll(2, 2)
    assert script.phase(1) is Phase.DELIVERING


def test_what_is_prefetched_begins_when_a_connection_is_free() -> None:
    """And keeps its lease until then."""
    script = ready(connections=1, prefetch=1) << poll(1, 2) >> brought(1, m(1), m(2)) << Deliver(d(1))
    assert script.phase(2) is Phase.RECEIVED
