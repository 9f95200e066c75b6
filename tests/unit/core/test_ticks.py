"""The runs of periodic tasks: due, tried again, too late."""

from __future__ import annotations

import pytest

from supervisor.core.ticks import (
    MISSED_SECONDS,
    RETRY_SECONDS,
    Run,
    Sending,
    Ticks,
    begin,
    look,
    tried,
    wake_at,
)

PERIODS = {"minutely": 60.0, "hourly": 3600.0}

# A full hour, well after the epoch.
NOON = 1_795_435_200.0


def next_after(task: str, at: float) -> float:
    return (at // PERIODS[task] + 1) * PERIODS[task]


def never(task: str, at: float) -> float:  # noqa: ARG001 - the shape of a calendar
    return float("inf")


def quiet() -> Ticks:
    """Return the state at noon in which everything that was due is done."""
    due = look(begin(PERIODS, NOON, next_after), NOON, next_after)
    ticks = due.ticks
    for run in due.runs:
        ticks = tried(ticks, run, Sending.SENT, NOON)
    return ticks


def test_what_was_missed_a_moment_before_the_start_is_due() -> None:
    """Its sender may have been the task that this one replaces; oldest first."""
    due = look(begin(PERIODS, NOON, next_after), NOON, next_after)
    assert [(NOON - run.at, run.task) for run in due.runs] == [
        (180, "minutely"),
        (120, "minutely"),
        (60, "minutely"),
        (0, "hourly"),
        (0, "minutely"),
    ]
    assert due.late == ()


def test_nothing_is_due_before_its_time() -> None:
    """And the next look is then."""
    ticks = quiet()
    assert wake_at(ticks) == NOON + 60
    assert look(ticks, NOON + 59.9, next_after).runs == ()
    assert look(ticks, NOON + 60, next_after).runs == (Run(NOON + 60, "minutely"),)


@pytest.mark.parametrize("outcome", [Sending.SENT, Sending.ELSEWHERE])
def test_a_run_that_somebody_sent_is_over(outcome: Sending) -> None:
    """Whoever it was."""
    due = look(quiet(), NOON + 60, next_after)
    ticks = tried(due.ticks, due.runs[0], outcome, NOON + 61)
    assert wake_at(ticks) == NOON + 120
    assert look(ticks, NOON + 119, next_after).runs == ()


@pytest.mark.parametrize("outcome", [Sending.FAILED, Sending.HELD])
def test_a_run_that_nobody_sent_is_tried_again(outcome: Sending) -> None:
    """After a while: who claimed it may have died."""
    due = look(quiet(), NOON + 60, next_after)
    (run,) = due.runs
    ticks = tried(due.ticks, run, outcome, NOON + 61)
    again_at = NOON + 61 + RETRY_SECONDS
    assert wake_at(ticks) == again_at
    assert look(ticks, again_at - 0.1, next_after).runs == ()
    assert look(ticks, again_at, next_after).runs == (run,)


def test_a_run_that_is_too_late_is_dropped_and_named_once() -> None:
    """After minutes of trying nobody waits for it any more."""
    due = look(quiet(), NOON + 60, next_after)
    (run,) = due.runs
    ticks = tried(due.ticks, run, Sending.FAILED, NOON + 61)
    after = look(ticks, run.at + MISSED_SECONDS + 1, next_after)
    assert after.late == (run,)
    assert run not in after.runs
    assert look(after.ticks, run.at + MISSED_SECONDS + 2, next_after).late == ()


def test_what_was_missed_in_a_long_sleep_does_not_come_all_at_once() -> None:
    """Only the last minutes of it; the first that is lost is named."""
    due = look(quiet(), NOON + 7200, next_after)
    assert due.late == (Run(NOON + 60, "minutely"), Run(NOON + 3600, "hourly"))
    assert [run.at - NOON for run in due.runs if run.task == "minutely"] == [7020, 7080, 7140, 7200]
    assert [run.at - NOON for run in due.runs if run.task == "hourly"] == [7200]


def test_without_tasks_there_is_nothing_to_wait_for() -> None:
    """Nor with tasks that never run."""
    assert wake_at(begin((), NOON, next_after)) == float("inf")
    assert wake_at(begin(["leap"], NOON, never)) == float("inf")
