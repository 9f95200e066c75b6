"""Which status the container exits with."""

from __future__ import annotations

from supervisor.core.exitcode import container_status


def test_the_workers_status_is_the_containers() -> None:
    """Every status a process can have is passed on as it is."""
    statuses = range(256)
    assert [container_status(status, survivors=False, remap={}) for status in statuses] == list(statuses)


def test_what_outlives_sigkill_makes_it_137() -> None:
    """A worker that ended well does not hide that something had to be left behind."""
    assert container_status(0, survivors=True, remap={}) == 137


def test_a_worker_that_never_ended_counts_as_killed() -> None:
    """Where no status is known the container says what Docker would say."""
    assert container_status(None, survivors=False, remap={}) == 137


def test_a_status_is_replaced_once() -> None:
    """The user's table is looked up for the final status, and its answer is not looked up again."""
    assert container_status(143, survivors=False, remap={143: 0, 0: 9}) == 0


def test_our_own_137_can_be_replaced_too() -> None:
    """The table is about what the container exits with, whoever caused it."""
    assert container_status(None, survivors=True, remap={137: 75}) == 75
