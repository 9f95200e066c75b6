"""Judges one run from its evidence: what was lost, run twice, cut, begun too late, and met by the scheduler while it ran.

The rules
  1. Lost: it has no end record, and is in no place from which it will run again by itself.
  2. Twice: it was begun again after it had ended, or while it ran. Begun again after it was cut is a rerun, which is what a
     queue is for; the cut is counted.
  3. A cause that is named: the log of the task which ran it first says that work was abandoned, its holder died, or its
     hold expired, at that time or later.
  4. Late: it was begun when its own supervisor had noted `quiet.confirmed`, and before it resumed, or after
     `task.stopping`. A hold begins before the job's first line runs; so of the holds that were open at that instant, those
     of no job which then had a start record are let pass for as many starts within five seconds.
  5. Met: the scheduler (scale-in, deployment) stopped a task in which a job ran that was older than a round trip. StopTask
     asks nobody and is not counted; nor is a task for which ECS had refused protection, as it does where a deployment or
     scale-in waits (`refused`). The requests of a web server are no jobs: nothing protects them.
  6. What a container is asked only when the story was over, idle, counts like all else, but for the number of stops.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from supervisor.emulator.calls import Call
from supervisor.emulator.evidence import ContainerRecord
from supervisor.emulator.tasks import StopReason
from tests.integrations.records import Execution, executions, read_lines
from tests.integrations.stops import Evidence
from tests.rehearsals.stage import asked

# From a job's begin to the agent's answer and the scheduler's next look, on a busy machine with two processors.
ROUND_TRIP_SECONDS = 0.5

# A line of the log is stamped in whole milliseconds, cut.
_STAMP_SECONDS = 0.002
# The slowest way from a hold to the first line of its job: a fresh interpreter, on a machine with ten others.
_BEGIN_SECONDS = 5.0

_CAUSES = ("holds.abandoned", "holder.died", "hold.expired", "task.killing")
_DEFECTS = ("a defect of ecs-supervisor", '"bug.illegal_move"', '"thread.failed"', '"api.unavailable"')


@dataclass(frozen=True, slots=True)
class Verdict:
    """Names of jobs and numbers of tasks where there is something to look up; see the rules above.

    unnamed: those of `twice` without a cause. refused: like `met`, where ECS had refused protection. killed: tasks that ECS
    had to kill. died: tasks that exited unasked. slowest: seconds from the signal to the exit. confirmed: how many tasks
    noted `quiet.confirmed` at any time; unconfirmed: the ones that noted the opposite. unhooked: tasks that ran jobs without
    a hook, where there should be one. holds: whether jobs are held at all.
    """

    configuration: str
    stops: int
    by_reason: dict[str, int]
    spared: int
    jobs: int
    executed: int
    lost: list[str]
    left: dict[str, int]
    twice: list[str]
    unnamed: list[str]
    cut: list[str]
    rerun: int
    late: list[str]
    met: list[str]
    refused: list[str]
    killed: list[str]
    died: list[str]
    slowest: float
    confirmed: int
    unconfirmed: list[str]
    attached: list[str]
    unhooked: list[str]
    defects: list[str]
    holds: bool
    exits: dict[str, int] = field(default_factory=dict)
    emptied: bool = True

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found that must not be: also no job that nobody took in the end, though tasks ran."""
        lost = (self.lost, self.unnamed, self.killed, self.left.get("queue"))
        return not any((*lost, self.late, self.met, self.unhooked, self.defects))


def judge(evidence: Evidence) -> Verdict:
    """Return what the evidence says."""
    runs = executions(read_lines(evidence.records))
    by_job: dict[str, list[Execution]] = defaultdict(list)
    for run in runs:
        by_job[run.job].append(run)
    notes = {task: _notes(log, evidence.wall_minus_monotonic) for task, log in evidence.logs.items()}
    ended = {run.job for run in runs if run.ended is not None}
    twice = sorted(job for job, each in by_job.items() if _is_twice(each))
    stopped = [
        each
        for each in evidence.containers
        if each.signalled_at is not None and each.signalled_at < evidence.ends
    ]
    signalled = [each for each in evidence.containers if each.signalled_at is not None]
    drains = (
        each.exited_at - each.signalled_at for each in signalled if each.exited_at and each.signalled_at
    )
    attached = [task for task, said in notes.items() if _says(said, "hook.attached")]
    met = list(_met(runs, evidence.containers)) if evidence.holds else []
    refused = _refused(evidence)
    places = sorted({evidence.left[job] for job in evidence.left.keys() - ended})
    return Verdict(
        configuration=evidence.configuration,
        stops=len(stopped),
        by_reason=_counted(each.stop_reason.value for each in stopped if each.stop_reason),
        spared=evidence.spared,
        jobs=len(evidence.jobs),
        executed=len(runs),
        lost=sorted(evidence.jobs.keys() - ended - evidence.left.keys()),
        left={
            place: sum(evidence.left[job] == place for job in evidence.left.keys() - ended)
            for place in places
        },
        twice=twice,
        unnamed=[job for job in twice if not _is_named(by_job[job], notes)],
        cut=[f"{run.job} in task {run.task}" for run in runs if run.ended is None],
        rerun=sum(len(each) - 1 for each in by_job.values()) - len(twice),
        late=[
            f"{run.job} in task {task}"
            for task, said in notes.items()
            for run in late_starts([each for each in runs if each.task == task], said)
        ],
        met=[f"{run.job} in task {run.task}" for run in met if run.task not in refused],
        refused=[f"{run.job} in task {run.task}" for run in met if run.task in refused],
        killed=[str(each.task_number) for each in evidence.containers if each.killed],
        died=[
            str(each.task_number)
            for each in evidence.containers
            if each.stop_reason is StopReason.ESSENTIAL_CONTAINER_EXITED
        ],
        slowest=max(drains, default=0.0),
        confirmed=sum(_says(said, "quiet.confirmed") for said in notes.values()),
        unconfirmed=[task for task, said in notes.items() if _says(said, "quiet.unconfirmed")],
        attached=attached,
        unhooked=sorted({run.task for run in runs} - set(attached), key=int) if evidence.attaches else [],
        defects=[f"task {task}: {line}" for task, log in evidence.logs.items() for line in _defects(log)],
        holds=evidence.holds,
        exits=_counted(str(each.exit_code) for each in signalled),
        emptied=evidence.emptied,
    )


def late_starts(runs: Sequence[Execution], notes: Iterable[Note]) -> list[Execution]:
    """Return the executions of one task that began after its own quiet was confirmed."""
    said = list(notes)
    late: dict[float, Execution] = {}
    for number, note in enumerate(said):
        if note.event not in ("quiet.confirmed", "task.stopping"):
            continue
        until = next((each.at for each in said[number:] if each.event == "task.resumed"), float("inf"))
        after = [run for run in runs if note.at + _STAMP_SECONDS < run.started < until]
        running = sum(
            run.started <= note.at + _STAMP_SECONDS and (run.ended or until) > note.at for run in runs
        )
        on_the_way = max(0, int(note.fields.get("in_flight", 0)) - running)
        excused = [run for run in after if run.started < note.at + _BEGIN_SECONDS][:on_the_way]
        late |= {run.started: run for run in after if run not in excused}
    return [late[at] for at in sorted(late)]


@dataclass(frozen=True, slots=True)
class Note:
    """A line of the supervisor's log. at: on the records' clock."""

    at: float
    event: str
    fields: dict[str, Any]


def _notes(log: str, wall_minus_monotonic: float) -> list[Note]:
    found = []
    for line in log.splitlines():
        if not line.startswith('{"time": '):
            continue
        try:
            read = json.loads(line)
            stamp = datetime.fromisoformat(read["time"]).timestamp()
            found.append(Note(stamp - wall_minus_monotonic, read["event"], read))
        except (ValueError, KeyError):
            continue  # an app that logs JSON of its own, or a line that was cut
    return found


def _is_twice(runs: list[Execution]) -> bool:
    """Whether one began although an earlier one had ended, or was still to end."""
    ordered = sorted(runs, key=lambda run: run.started)
    return any(earlier.ended is not None for earlier in ordered[:-1])


def _is_named(runs: list[Execution], notes: dict[str, list[Note]]) -> bool:
    first = min(runs, key=lambda run: run.started)
    return any(note.event in _CAUSES and note.at >= first.started for note in notes.get(first.task, ()))


def _met(runs: Iterable[Execution], containers: Iterable[ContainerRecord]) -> Iterator[Execution]:
    stops = {
        str(each.task_number): each.signalled_at
        for each in containers
        if each.signalled_at is not None and each.stop_reason in (StopReason.SCALE_IN, StopReason.DEPLOYMENT)
    }
    for run in runs:
        at = stops.get(run.task)
        if at is not None and run.started + ROUND_TRIP_SECONDS < at < (run.ended or float("inf")):
            yield run


def _refused(evidence: Evidence) -> set[str]:
    """Return the tasks whose last wish to be protected was refused when they were stopped."""
    found = set()
    for container in evidence.containers:
        task, at = str(container.task_number), container.signalled_at
        wishes = [
            call
            for call in evidence.calls.get(task, ())
            if asked(call) == "protect" and call.at <= (at or 0.0)
        ]
        if wishes and is_refused(max(wishes, key=lambda call: call.at)):
            found.add(task)
    return found


def is_refused(call: Call) -> bool:
    """Whether ECS understood the wish and declined it."""
    return b"DEPLOYMENT_BLOCKED" in call.answer


def _says(notes: Iterable[Note], event: str) -> bool:
    return any(note.event == event for note in notes)


def _defects(log: str) -> list[str]:
    return [line for line in log.splitlines() if any(word in line for word in _DEFECTS)]


def _counted(words: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return counts
