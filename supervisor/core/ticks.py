"""The runs of periodic tasks: which are due, which are to be tried again, which are too late.

Rules
  1. This module decides; it neither reads a clock nor sends. Time is seconds since the epoch here, because schedules are.
  2. All tasks of a service see the same runs. Who of them sends one is found out by trying: each tries every run.
  3. A run is over when somebody has sent it. Until then it is tried again, so that one whose sender died is not lost.
  4. A run that is too late is dropped and named: what was missed in an outage must not come all at once after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

# Elastic Beanstalk sends what was missed by less than 300 s. A FIFO queue forgets after 300 s what has been sent, and has
# to be faster with forgetting than we are with trying.
MISSED_SECONDS = 240.0

# Between two tries; a sender that died holds its claim for some of them.
RETRY_SECONDS = 5.0

NextAfter = Callable[[str, float], float]


@dataclass(frozen=True, slots=True, order=True)
class Run:
    at: float
    task: str


class Sending(Enum):
    """What became of a try."""

    SENT = "sent"
    ELSEWHERE = "another task has sent it"
    # Another task is about to, or died of it.
    HELD = "another task has claimed it"
    FAILED = "failed"


OVER = (Sending.SENT, Sending.ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Ticks:
    """next_at: the next run of each task that was not looked at. open: runs that are due, with when to try them."""

    next_at: Mapping[str, float]
    open: Mapping[Run, float]


@dataclass(frozen=True, slots=True)
class Due:
    """runs: to be tried now, oldest first. late: dropped."""

    ticks: Ticks
    runs: tuple[Run, ...]
    late: tuple[Run, ...]


def begin(tasks: Iterable[str], now: float, next_after: NextAfter) -> Ticks:
    """Return the state in which what was missed a moment ago is still to come."""
    return Ticks({task: next_after(task, now - MISSED_SECONDS) for task in tasks}, {})


def look(ticks: Ticks, now: float, next_after: NextAfter) -> Due:
    """Return what is due. next_after: the first run of a task later than some time."""
    next_at, found = dict(ticks.next_at), dict(ticks.open)
    oldest = now - MISSED_SECONDS
    late: list[Run] = []
    for task, at in next_at.items():
        if at < oldest:
            # However long the machine was suspended, only the first of what was missed is named.
            late.append(Run(at, task))
            at = next_after(task, oldest)
        while at <= now:
            found[Run(at, task)] = at
            at = next_after(task, at)
        next_at[task] = at
    late += (run for run in found if run.at < oldest)
    found = {run: retry_at for run, retry_at in found.items() if run.at >= oldest}
    runs = sorted(run for run, retry_at in found.items() if retry_at <= now)
    return Due(Ticks(next_at, found), tuple(runs), tuple(late))


def tried(ticks: Ticks, run: Run, outcome: Sending, now: float) -> Ticks:
    """Return the state after a try."""
    rest = {each: at for each, at in ticks.open.items() if each != run}
    return replace(ticks, open=rest if outcome in OVER else {**rest, run: now + RETRY_SECONDS})


def wake_at(ticks: Ticks) -> float:
    """Return when to look again."""
    return min((*ticks.next_at.values(), *ticks.open.values()), default=float("inf"))
