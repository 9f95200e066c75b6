"""Plays the demo: starts both services, feeds both queues, lets the same things happen to both, and winds them up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from supervisor.demo.outcome import Ending, runs_of
from supervisor.demo.side import Side
from supervisor.demo.stream import (
    AGE_AT_STOP_SECONDS,
    DEPLOY_AT,
    SCALE_IN_AT,
    TASKS_AT_FIRST,
    TASKS_LATER,
    PlannedJob,
)
from supervisor.emulator.evidence import ContainerRecord
from supervisor.emulator.tasks import TaskPhase

# For the interpreters of all tasks to start on a machine that is busy with something else.
START_LIMIT_SECONDS = 25.0
# On an idle machine both sides need about 43 seconds, and 51 where the bare worker finishes its jobs.
PLAY_LIMIT_SECONDS = 55.0
# An idle task is free after the release delay and gone in a moment.
WIND_UP_LIMIT_SECONDS = 10.0

# How often the workers' records are read: often enough to stop a task when its job has its age.
_LOOK_SECONDS = 0.1


class Act(Enum):
    STARTING = "starting"
    PLAYING = "playing"
    WINDING_UP = "winding up"
    OVER = "over"


class NotStarted(Exception):
    """The workers did not become ready."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something worth telling, in seconds of the demo; `side` is empty where it happened to both."""

    at: float
    side: str
    text: str


class Stage:
    """Driven by `tick`. `tell` hears of everything that happens, once."""

    def __init__(
        self,
        sides: Sequence[Side],
        stream: Sequence[PlannedJob],
        now: float,
        tell: Callable[[Happening], None],
    ) -> None:
        self.sides = sides
        self.stream = stream
        self.began_at = now
        self.act = Act.STARTING
        self.act_began_at = now
        # When which step was taken; every step is taken once.
        self.steps: dict[str, float] = {}
        self._tell = tell
        self._coming = list(stream)
        self._to_stop = {(side.name, job.name) for side in sides for job in stream if job.is_stopped}
        self._look_at = now
        self._told: dict[tuple[str, int], ContainerRecord] = {}

    def tick(self, now: float) -> bool:
        """Do what is due; False when the demo is over. Raises NotStarted."""
        for side in self.sides:
            side.tick(now)
            self._tell_changes(side, now)
            for job in side.queue.give_out_again(now):
                self._happened(now, side, f"the queue gives out {job} again: its worker is silent")
        match self.act:
            case Act.STARTING:
                self._start(now)
            case Act.PLAYING:
                self._play(now)
            case Act.WINDING_UP if all(side.is_over for side in self.sides) or self._lasts(
                now, WIND_UP_LIMIT_SECONDS
            ):
                self._enter(Act.OVER, now)
            case _:
                pass
        return self.act is not Act.OVER

    def _start(self, now: float) -> None:
        if self._lasts(now, START_LIMIT_SECONDS):
            raise NotStarted
        ready = [sum(record.what == "ready" for record in side.jobs) for side in self.sides]
        if min(ready) >= TASKS_AT_FIRST:
            self._enter(Act.PLAYING, now)

    def _play(self, now: float) -> None:
        time = now - self.act_began_at
        while self._coming and self._coming[0].at <= time:
            job = self._coming.pop(0)
            for side in self.sides:
                side.queue.put(job.name, job.seconds)
        if time >= SCALE_IN_AT and self._is_new("scale-in", now):
            for side in self.sides:
                side.service.scale(TASKS_LATER)
            self._happened(now, None, f"scale-in: {TASKS_LATER} tasks are wanted, {TASKS_AT_FIRST} run")
        if time >= DEPLOY_AT and self._is_new("deployment", now):
            for side in self.sides:
                side.service.deploy()
            self._happened(now, None, "deployment: every task is to be replaced")
        if now >= self._look_at:
            self._look_at = now + _LOOK_SECONDS
            for side in self.sides:
                self._stop_tasks(side, now)
        is_done = not self._coming and not self._to_stop and all(side.queue.is_empty for side in self.sides)
        if is_done or self._lasts(now, PLAY_LIMIT_SECONDS):
            self._wind_up(now)

    def _stop_tasks(self, side: Side, now: float) -> None:
        """Stop a task, as a person would, in the middle of the job that was chosen for it."""
        for record in side.jobs:
            chosen = (side.name, record.job)
            is_due = record.what == "start" and now - record.at >= AGE_AT_STOP_SECONDS
            if is_due and chosen in self._to_stop:
                self._to_stop.remove(chosen)
                for task in side.service.tasks:
                    if str(task.number) == record.task and task.phase is TaskPhase.RUNNING:
                        self._happened(now, side, f"StopTask for task {task.number}, which runs {record.job}")
                        side.service.stop_task(task.task_id)

    def _wind_up(self, now: float) -> None:
        """Let all tasks go in the ordinary way, so that nothing is left behind that only a clean exit removes."""
        self._enter(Act.WINDING_UP, now)
        self._is_new("end", now)
        for side in self.sides:
            side.service.scale(0)
        self._happened(now, None, "the queues are empty: both services are scaled to zero")

    def _tell_changes(self, side: Side, now: float) -> None:
        for new in side.containers:
            old = self._told.get((side.name, new.task_number))
            if new == old:
                continue
            self._told[side.name, new.task_number] = new
            if old is None:
                self._happened(now, side, f"task {new.task_number} starts")
                continue
            if new.signalled_at != old.signalled_at and new.stop_reason:
                self._happened(now, side, f"task {new.task_number} gets SIGTERM ({new.stop_reason.value})")
            if new.killed != old.killed:
                self._happened(now, side, f"task {new.task_number} gets SIGKILL: its stop timeout is over")
            if new.exited_at != old.exited_at:
                lost = "".join(f"; {job} dies with it" for job in _killed_in(side, new, now))
                self._happened(now, side, f"task {new.task_number} exits with status {new.exit_code}{lost}")

    def _happened(self, now: float, side: Side | None, text: str) -> None:
        self._tell(Happening(now - self.began_at, side.name if side else "", text))

    def _is_new(self, step: str, now: float) -> bool:
        return self.steps.setdefault(step, now) == now

    def _enter(self, act: Act, now: float) -> None:
        self.act = act
        self.act_began_at = now

    def _lasts(self, now: float, limit: float) -> bool:
        return now - self.act_began_at >= limit


def _killed_in(side: Side, record: ContainerRecord, now: float) -> list[str]:
    runs = runs_of(side.jobs, side.containers, now)
    return [run.job for run in runs if run.task == record.task_number and run.ending is Ending.KILLED]
