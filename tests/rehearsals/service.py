"""A service of supervised workers in the emulated ECS, which share a queue, and what can be said of it afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from supervisor.emulator.agent import Agent
from supervisor.emulator.container import Command
from supervisor.emulator.evidence import ContainerRecord, JobRecord, jobs_of
from supervisor.emulator.host import Host
from supervisor.emulator.report import Report, judge
from supervisor.emulator.tasks import ContainerPlan, Task
from supervisor.emulator.world import World
from tests.rehearsals.stage import ENVIRONMENT, actor
from tests.waiting import until


class Service:
    """Tasks are called by their numbers, in the order in which ECS has started them."""

    def __init__(self, host: Host, queue: Path) -> None:
        self.host = host
        self.agent = host.agent
        self.orders = host.service
        self._queue = queue

    def add_jobs(self, *seconds: float) -> None:
        """Put jobs into the queue, which is served in order."""
        first = len(list(self._queue.glob("*/*"))) + 1
        for number, each in enumerate(seconds, start=first):
            (self._queue / "waiting" / f"{number:04}-{each:g}").touch()

    @property
    def waiting(self) -> list[str]:
        """The names of the jobs that nobody has taken."""
        return [file.name for file in self._queue.glob("waiting/*")]

    def task(self, number: int) -> Task:
        return next(task for task in self.orders.tasks if task.number == number)

    def is_protected(self, number: int) -> bool:
        known = [task.task_id for task in self.orders.tasks if task.number == number]
        return bool(known) and self.agent.is_protected(known[0])

    def container(self, number: int) -> ContainerRecord:
        return next(record for record in self.host.records if record.task_number == number)

    def records(self, number: int | None = None) -> list[JobRecord]:
        """Return what the workers have written down: of one task, or all."""
        texts = [file.read_text() for file in self.host.directory.glob("jobs-*.jsonl")]
        return [record for record in jobs_of(texts) if number is None or record.task == str(number)]

    def gate(self, number: int) -> list[str]:
        """Return how a task's gate has moved so far."""
        return [record.what for record in self.records(number) if record.job == "gate"]

    def started(self, number: int) -> list[str]:
        """Return the jobs that a task has started so far, in that order."""
        return [record.job for record in self.records(number) if record.what == "start"]

    def running_at(self, number: int, at: float) -> set[str]:
        """Return the jobs that were running in a task at this instant."""
        before = [record for record in self.records(number) if record.at <= at]
        ended = {record.job for record in before if record.what == "end"}
        return {record.job for record in before if record.what == "start"} - ended

    def report(self) -> Report:
        return judge(self.records(), self.host.records, self.agent.calls)

    def until(self, predicate: Callable[[], object], why: str, limit: float = 30.0) -> None:
        """Wait for a fact about the service; tell what its containers said when it does not come."""
        try:
            until(predicate, limit=limit, why=why)
        except AssertionError as error:
            said = [f"{file.name}:\n{file.read_text()}" for file in sorted(self.host.directory.glob("*.log"))]
            raise AssertionError("\n".join((str(error), *said, *map(str, self.records())))) from None

    def until_stopped(self, number: int) -> ContainerRecord:
        self.until(lambda: self.container(number).exited_at is not None, f"task {number} has stopped")
        return self.container(number)


@contextmanager
def service(
    directory: Path,
    *options: str,
    tasks: int,
    threads: int = 1,
    stop_timeout: float = 10.0,
    jobs: Sequence[float] = (),
) -> Iterator[Service]:
    """Run so many tasks with so many threads each. options: the supervisor's, beside the stop timeout."""
    queue = directory / "queue"
    for name in ("waiting", "taken"):
        (queue / name).mkdir(parents=True)
    supervisor = (
        sys.executable,
        "-m",
        "supervisor",
        "run",
        "--stop-timeout",
        f"{stop_timeout:g}",
        *options,
        "--",
    )
    command = Command((*supervisor, *actor("fetches", str(queue), str(threads))), ENVIRONMENT)
    world = World(desired_count=tasks, containers=[ContainerPlan("worker", stop_timeout=stop_timeout)])
    with Agent(world) as agent, Host(agent, {"worker": command}, directory) as host:
        running = Service(host, queue)
        running.add_jobs(*jobs)
        yield running
