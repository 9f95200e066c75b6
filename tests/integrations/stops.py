"""One run of one configuration: a stream of jobs, tasks that ECS stops at random instants, and the evidence of both.

The rules
  1. Three tasks share a queue. Jobs come without an end: four of five take up to 50 ms, the fifth one to three seconds;
     now and then nothing comes for a moment, so that tasks are met idle, and on the edge of it, as well.
  2. Stops are those of ECS: a scale-in and the way back, a deployment, StopTask for any one task. Which and when is drawn
     from the seed, so that both runs of a configuration meet the same story, though not the same instants.
  3. A job is shorter than the drain. Nobody can keep one that is longer, least of all at StopTask; that is not measured here.
  4. After the last stop the queue is emptied, and only then does the service end. What has no end record by then, and is in
     no place from which it will run again, is lost.
  5. Bare is the same, with the command itself as the container's. Which containers a task has: containers.py.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from supervisor.emulator.agent import Agent
from supervisor.emulator.calls import Call
from supervisor.emulator.evidence import ContainerRecord
from supervisor.emulator.host import Host
from supervisor.emulator.tasks import StopReason, TaskPhase
from supervisor.emulator.world import World
from tests.integrations.configuration import NONE, Configuration, Job, Setting
from tests.integrations.containers import STOP_TIMEOUT_SECONDS, containers, lives
from tests.integrations.records import read_lines
from tests.integrations.stream import Stream
from tests.integrations.worker import library_in
from tests.waiting import until

TASKS = 3

# What the scheduler could not stop for so long was protected; that is no failure, and the story goes on.
_SPARED_SECONDS = 12.0
_START_SECONDS = 60.0
_EMPTY_SECONDS = 60.0
# When nothing has been written for so long, longer than the longest job, nothing runs; what still stands in the queue may
# wait for a new task to start.
_SILENT_SECONDS = 4.0
_STARTING_SECONDS = 20.0
# A task that is younger may still be where no signal is heard: in the interpreter's own start, as PID 1.
_YOUNGEST_SECONDS = 0.5

_SCHEDULED = (StopReason.SCALE_IN, StopReason.DEPLOYMENT, StopReason.USER)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is left of a run. containers: one for a task. logs: what its containers printed, by its number, as the records call it.

    attaches: whether a hook is to introduce itself in every task. holds: whether jobs are held, and so protected.
    ends: when the story had been told and only the emptied service was to end. spared: scale-ins that found everybody
    protected. emptied: whether the queue got empty.
    """

    configuration: str
    attaches: bool
    holds: bool
    jobs: Mapping[str, Job]
    records: Path
    containers: tuple[ContainerRecord, ...]
    logs: Mapping[str, str]
    calls: Mapping[str, tuple[Call, ...]]
    left: Mapping[str, str]
    ends: float
    spared: int
    emptied: bool
    wall_minus_monotonic: float


class Story:
    """The stops, one after the other, while jobs run."""

    def __init__(self, host: Host, stream: Stream, setting: Setting, chance: random.Random) -> None:
        self._host = host
        self._stream = stream
        self._setting = setting
        self._chance = chance
        self._first = chance.sample(kinds := (self._scale_in, self._deploy, self._stop_task), k=3)
        self._kinds = kinds
        self.spared = 0

    def tell(self, stops: int) -> None:
        """Go on until so many tasks have been stopped, and each kind of stop has had its turn."""
        self._until(lambda: self._working() >= TASKS, _START_SECONDS, "every task has begun a job")
        while self._first or self._stopped() < stops:
            self._pause(self._chance.uniform(0.1, 2.0))
            kind = self._first.pop() if self._first else self._chance.choices(self._kinds, (4, 1, 4))[0]
            kind()

    def empty_the_queue(self, configuration: Configuration) -> bool:
        """Wait until all jobs have ended, or nothing more is begun; return whether the queue is empty."""
        self._stream.end()
        lines, silent_since = 0, time.monotonic()
        deadline = silent_since + _EMPTY_SECONDS
        while time.monotonic() < min(deadline, silent_since + _STARTING_SECONDS):
            self._pause(0.2)
            now = read_lines(self._setting.records)
            if len(now) != lines:
                lines, silent_since = len(now), time.monotonic()
            if self._stream.jobs.keys() <= {line.job for line in now if line.what == "end"}:
                break
            if time.monotonic() > silent_since + _SILENT_SECONDS and not configuration.waiting(self._setting):
                break
        return configuration.waiting(self._setting) == 0

    def end(self) -> None:
        """Scale the service to nothing; what is protected even then is stopped by hand."""
        orders = self._host.service
        orders.scale(0)
        if not self._host.wait_until(self._none_runs, _SPARED_SECONDS):
            for task in orders.tasks:
                if task.phase is TaskPhase.RUNNING:
                    orders.stop_task(task.task_id)
        self._until(self._none_runs, 2 * STOP_TIMEOUT_SECONDS, "all tasks have stopped")

    def _scale_in(self) -> None:
        before = self._stopped(StopReason.SCALE_IN)
        self._host.service.scale(TASKS - 1)
        if not self._host.wait_until(lambda: self._stopped(StopReason.SCALE_IN) > before, _SPARED_SECONDS):
            self.spared += 1
        self._host.service.scale(TASKS)

    def _deploy(self) -> None:
        self._host.service.deploy()

    def _stop_task(self) -> None:
        born_before = self._host.agent.now() - _YOUNGEST_SECONDS
        running = [each for each in self._host.service.tasks if each.phase is TaskPhase.RUNNING]
        if grown := [each for each in running if each.started_at < born_before]:
            self._host.service.stop_task(self._chance.choice(grown).task_id)

    def _stopped(self, *reasons: StopReason) -> int:
        return sum(
            record.signalled_at is not None and record.stop_reason in (reasons or _SCHEDULED)
            for record in lives(self._host.records)
        )

    def _working(self) -> int:
        return len({line.task for line in read_lines(self._setting.records)})

    def _none_runs(self) -> bool:
        return all(record.exited_at is not None for record in self._host.records)

    def _pause(self, seconds: float) -> None:
        self._host.wait_until(lambda: self._stream.error is not None, seconds)
        if self._stream.error is not None:
            error = self._stream.error
            raise RuntimeError(f"no more jobs can be enqueued: {type(error).__name__}: {error}") from error

    def _until(self, fact: Callable[[], object], limit: float, why: str) -> None:
        try:
            until(lambda: self._stream.error or fact(), limit=limit, why=why)
        except AssertionError as error:
            said = [
                file.read_text(errors="replace")[-3000:]
                for file in sorted(self._host.directory.glob("*.log"))
            ]
            raise AssertionError("\n".join((str(error), *said))) from None
        self._pause(0)


def run(
    configuration: Configuration, broker: str, folder: Path, *, supervised: bool, stops: int, seed: int
) -> Evidence:
    """Run a configuration once. broker: the URL of one that is empty. folder: an empty one, where all evidence stays."""
    chance = random.Random(f"{configuration.name} {seed}")
    task = containers(configuration, supervised=supervised)
    with Agent(World(desired_count=TASKS, containers=task.plans)) as agent:

        def serving() -> list[int]:
            with agent.world_lock:
                return [task.number for task in agent.world.tasks if task.phase is TaskPhase.RUNNING]

        setting = Setting(broker, folder / "records", folder, library_in(folder), serving)
        with (
            Host(agent, task.commands(configuration, setting), folder) as host,
            Stream(configuration, setting, TASKS, chance) as stream,
        ):
            story = Story(host, stream, setting, random.Random(f"stops of {configuration.name} {seed}"))
            story.tell(stops)
            emptied = story.empty_the_queue(configuration)
            ends = time.monotonic()
            story.end()
            left = configuration.left(setting)
            names = {task.task_id: str(task.number) for task in host.service.tasks}
            return Evidence(
                configuration=configuration.name,
                attaches=getattr(configuration, "attaches", configuration.broker != NONE),
                holds=getattr(configuration, "holds", configuration.broker != NONE),
                jobs=dict(stream.jobs),
                records=setting.records,
                containers=lives(host.records),
                logs={
                    number: "".join(path.read_text(errors="replace") for path in paths)
                    for number in names.values()
                    if (paths := sorted(folder.glob(f"task-{number}-*.log")))
                },
                calls={number: agent.protection_calls(id_) for id_, number in names.items()},
                left=left,
                ends=ends,
                spared=story.spared,
                emptied=emptied,
                wall_minus_monotonic=time.time() - time.monotonic(),
            )
