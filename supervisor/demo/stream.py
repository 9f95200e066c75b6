"""The jobs of the demo and what happens to the service meanwhile; the same for both sides, made from a seed.

Three acts, each with jobs that are under way when something happens. Between them there is a pause in which every
worker is idle: a task that never is would stay protected, and could neither be scaled in nor replaced.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

# The tasks of each service, before and after the scale-in.
TASKS_AT_FIRST = 3
TASKS_LATER = 2

# What the task definition says; short, so that the demo is. Jobs are scaled to it: some are longer.
STOP_TIMEOUT_SECONDS = 6.0
# What of it the supervisor leaves to a running job: the quiet stage of its stop sequence.
DRAIN_SECONDS = 4.5
STOP_SEQUENCE = "QUIET 4.5 TERM 0.5 KILL 0.4"
RELEASE_DELAY_SECONDS = 1.0
# How long a task stays quiet that was refused protection because a deployment waits; the new tasks of a deployment
# are refused too, as long as the old ones hold all the protection there is.
RELEASE_WINDOW_SECONDS = 1.5

SCALE_IN_AT = 1.8
DEPLOY_AT = 13.7

# How long a job has been running when somebody stops its task.
AGE_AT_STOP_SECONDS = 1.5

# Of the lengths below, so that two seeds differ and the story stays the same.
_SPREAD = 0.08


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """`name` orders the queue. is_stopped: whether somebody stops the task that runs it, the first time."""

    name: str
    at: float
    seconds: float
    is_stopped: bool = False


def jobs(seed: int) -> tuple[PlannedJob, ...]:
    """Return the stream, in the order in which the jobs are put into the queue."""
    chance = random.Random(seed)
    planned: list[PlannedJob] = []
    for at, kind, seconds, is_stopped in _ACTS:
        exact = round(seconds * chance.uniform(1 - _SPREAD, 1 + _SPREAD), 2)
        planned.append(PlannedJob(f"{len(planned) + 1:02d}-{kind}", at, exact, is_stopped))
    return tuple(planned)


_FIRST, _SECOND, _THIRD = 0.0, 12.0, 24.0

_ACTS = (
    # Whatever task the scale-in or the deployment hits: more is left of its job than the stop timeout is long.
    (_FIRST, "video", 9.4, False),
    (_FIRST, "import", 9.0, False),
    (_FIRST, "report", 8.9, False),
    (_FIRST, "email", 0.8, False),
    (_FIRST, "photo", 0.9, False),
    (_SECOND, "video", 9.2, False),
    (_SECOND, "import", 8.7, False),
    (_SECOND, "photo", 1.2, False),
    (_SECOND, "email", 0.6, False),
    (_SECOND, "photo", 1.4, False),
    (_SECOND, "email", 0.7, False),
    # What is left of the first when its task is stopped fits into the drain; the second is longer than any drain.
    (_THIRD, "invoice", 4.5, True),
    (_THIRD, "video", 8.6, True),
    (_THIRD + 3, "email", 0.8, False),
    (_THIRD + 3, "photo", 1.2, False),
)
