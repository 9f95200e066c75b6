"""What became of every job and every task of one side, computed from what was recorded and from nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from supervisor.demo.stream import DRAIN_SECONDS, PlannedJob
from supervisor.emulator.calls import Call
from supervisor.emulator.evidence import ContainerRecord, JobRecord
from supervisor.emulator.report import Drain, judge
from supervisor.emulator.tasks import StopReason


class Ending(Enum):
    FINISHED = "finished"
    KILLED = "killed"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt at a job. attempt: counted from 1. until: its end, or now while it runs."""

    job: str
    task: int
    attempt: int
    since: float
    until: float
    ending: Ending

    @property
    def seconds(self) -> float:
        return self.until - self.since


@dataclass(frozen=True, slots=True)
class ProtectionCalls:
    total: int
    granted: int
    refused: int
    failed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """`drains` are those of the story; the tasks that were only sent home when it was over are left out.

    steps: how long it took from a step to the exit of the last task it stopped.
    """

    planned: tuple[PlannedJob, ...]
    containers: tuple[ContainerRecord, ...]
    runs: tuple[Run, ...]
    drains: tuple[Drain, ...]
    steps: Mapping[str, float | None]
    calls: ProtectionCalls

    @property
    def finished(self) -> tuple[str, ...]:
        """Jobs, each once."""
        return tuple(sorted({run.job for run in self.runs if run.ending is Ending.FINISHED}))

    @property
    def killed(self) -> tuple[Run, ...]:
        return tuple(run for run in self.runs if run.ending is Ending.KILLED)

    @property
    def run_twice(self) -> tuple[str, ...]:
        """Jobs that were started more than once."""
        return tuple(sorted({run.job for run in self.runs if run.attempt > 1}))

    @property
    def unfinished(self) -> tuple[str, ...]:
        """Jobs that no run has finished."""
        return tuple(sorted({job.name for job in self.planned} - set(self.finished)))

    @property
    def wasted_seconds(self) -> float:
        """Work that was done for nothing."""
        return sum(run.seconds for run in self.killed)

    def killed_by(self, *reasons: StopReason) -> tuple[Run, ...]:
        return tuple(run for run in self.killed if self._container(run).stop_reason in reasons)

    def left_at_stop(self, run: Run) -> float | None:
        """How much of a run was left when its task got the stop signal; None where it got none."""
        signalled_at = self._container(run).signalled_at
        if signalled_at is None:
            return None
        seconds = {job.name: job.seconds for job in self.planned}[run.job]
        return max(0.0, run.since + seconds - signalled_at)

    @property
    def broken_promises(self) -> tuple[Run, ...]:
        """Runs that were killed although a supervised task should have kept them.

        Protection keeps a job from scale-in and deployments. It does not help against StopTask: there a job is
        kept if what is left of it fits into the drain.
        """
        return tuple(run for run in self.killed if not self._is_excused(run))

    @property
    def is_as_promised(self) -> bool:
        """Of a supervised side: every job was finished, and none was killed that should have been kept."""
        return not (self.broken_promises or self.unfinished)

    def _is_excused(self, run: Run) -> bool:
        left = self.left_at_stop(run)
        by_hand = self._container(run).stop_reason is StopReason.USER
        return by_hand and left is not None and left > DRAIN_SECONDS

    def _container(self, run: Run) -> ContainerRecord:
        return next(record for record in self.containers if record.task_number == run.task)


def outcome_of(
    planned: Sequence[PlannedJob],
    jobs: Sequence[JobRecord],
    containers: Sequence[ContainerRecord],
    calls: Iterable[Call],
    steps: Mapping[str, float],
    now: float,
) -> Outcome:
    """Weigh what was recorded until now. steps: when the scale-in, the deployment and the end were ordered."""
    over_at = steps.get("end", now)
    story = [record for record in containers if record.signalled_at is None or record.signalled_at < over_at]
    report = judge(jobs, story, calls)
    uses = report.protection.values()
    return Outcome(
        planned=tuple(planned),
        containers=tuple(containers),
        runs=tuple(_in_story(run, story) for run in runs_of(jobs, containers, now)),
        drains=report.drains,
        steps={
            "scale-in": _took(story, StopReason.SCALE_IN, steps.get("scale-in")),
            "deployment": _took(story, StopReason.DEPLOYMENT, steps.get("deployment")),
        },
        calls=ProtectionCalls(
            total=sum(use.calls for use in uses),
            granted=sum(use.granted for use in uses),
            refused=sum(use.refused for use in uses),
            failed=sum(use.failed for use in uses),
        ),
    )


def runs_of(jobs: Iterable[JobRecord], containers: Iterable[ContainerRecord], now: float) -> tuple[Run, ...]:
    """Pair starts with ends. A run without an end was killed if its task has exited, and goes on otherwise."""
    exits = {str(record.task_number): record.exited_at for record in containers}
    attempts: Counter[str] = Counter()
    begun: dict[tuple[str, str], tuple[int, float]] = {}
    runs = []
    for record in jobs:
        key = (record.job, record.task)
        if record.what == "start":
            attempts[record.job] += 1
            begun[key] = (attempts[record.job], record.at)
        elif record.what == "end" and key in begun:
            attempt, since = begun.pop(key)
            runs.append(Run(record.job, int(record.task), attempt, since, record.at, Ending.FINISHED))
    for (job, task), (attempt, since) in begun.items():
        exited_at = exits[task]
        ending = Ending.RUNNING if exited_at is None else Ending.KILLED
        runs.append(Run(job, int(task), attempt, since, now if exited_at is None else exited_at, ending))
    return tuple(sorted(runs, key=lambda run: run.since))


def _in_story(run: Run, story: Iterable[ContainerRecord]) -> Run:
    """A run that was cut because the demo was over counts as one that still ran."""
    if run.ending is Ending.KILLED and run.task not in {record.task_number for record in story}:
        return replace(run, ending=Ending.RUNNING)
    return run


def _took(
    containers: Iterable[ContainerRecord], reason: StopReason, ordered_at: float | None
) -> float | None:
    exits = [record.exited_at for record in containers if record.stop_reason is reason]
    if ordered_at is None or not exits or None in exits:
        return None
    return max(exit_at for exit_at in exits if exit_at is not None) - ordered_at
