"""A task of two containers in the emulated ECS, a worker and its sidecar, and what can be said of the two afterwards."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from supervisor.emulator.agent import Agent
from supervisor.emulator.container import Command
from supervisor.emulator.control_groups import ControlGroups
from supervisor.emulator.evidence import ContainerRecord, JobRecord, jobs_of
from supervisor.emulator.host import Host
from supervisor.emulator.namespaces import namespaces_are_possible
from supervisor.emulator.report import Report, judge
from supervisor.emulator.tasks import ContainerPlan, RestartPolicy, Task
from supervisor.emulator.world import World
from tests.rehearsals.stage import ENVIRONMENT, actor
from tests.waiting import until

# Which container depends on which: the one that does is stopped first.
WORKER_FIRST = {"worker": ("sidecar",), "sidecar": ()}
SIDECAR_FIRST = {"worker": (), "sidecar": ("worker",)}
TOGETHER: dict[str, tuple[str, ...]] = {"worker": (), "sidecar": ()}


class Pair:
    """queue: where the worker finds its jobs."""

    def __init__(self, host: Host, queue: Path) -> None:
        self.host = host
        self.agent = host.agent
        self._queue = queue

    @property
    def task(self) -> Task:
        return self.host.service.tasks[0]

    def add_job(self, seconds: float) -> str:
        """Put a job into the queue; return its name."""
        name = f"{len(list(self._queue.glob('*/*'))) + 1:04}-{seconds:g}"
        (self._queue / "waiting" / name).touch()
        return name

    def begin_job(self, seconds: float) -> str:
        """Have the worker begin a job, and wait until the task is protected for it."""
        name = self.add_job(seconds)
        self.until(lambda: name in self.jobs("start"), f"the worker has begun {name}")
        self.until_protected()
        return name

    def records(self) -> list[JobRecord]:
        return list(jobs_of(file.read_text() for file in self.host.directory.glob("jobs-*.jsonl")))

    def jobs(self, what: str) -> list[str]:
        return [record.job for record in self.records() if record.what == what]

    def job_ended_at(self, name: str) -> float:
        return next(record.at for record in self.records() if record.job == name and record.what == "end")

    def container(self, name: str, start: int = 1) -> ContainerRecord:
        """Return what is known of a container's n-th start."""
        return [record for record in self.host.records if record.container == name][start - 1]

    def notes(self) -> list[dict[str, Any]]:
        """Return what the sidecar has logged so far, in all its lives."""
        path = self.host.output_path(self.task.task_id, "sidecar")
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if line.startswith('{"time"') and line.endswith("\n")]

    def names(self) -> list[str]:
        return [note["event"] for note in self.notes()]

    def stop(self) -> None:
        self.host.service.scale(0)
        self.host.service.stop_task(self.task.task_id)

    def kill(self, name: str) -> None:
        """SIGKILL a container, as for want of memory."""
        self.host.crash(self.task.task_id, name)

    def until_protected(self, wanted: bool = True) -> None:
        why = "the task is protected" if wanted else "the task is not protected any more"
        self.until(lambda: self.agent.is_protected(self.task.task_id) is wanted, why)

    def until_noted(self, name: str, times: int = 1) -> None:
        self.until(lambda: self.names().count(name) == times, f"the sidecar logs {name} ({times})")

    def until_stopped(self) -> Report:
        self.until(lambda: self.task.stopped_at is not None, "the task has stopped")
        return judge(self.records(), self.host.records, self.agent.calls)

    def until(self, predicate: Callable[[], object], why: str, limit: float = 30.0) -> None:
        """Wait for a fact about the task; tell what its containers said when it does not come."""
        try:
            until(predicate, limit=limit, why=why)
        except AssertionError as error:
            said = [f"{file.name}:\n{file.read_text()}" for file in sorted(self.host.directory.glob("*.log"))]
            raise AssertionError("\n".join((str(error), *said, *map(str, self.records())))) from None


@contextmanager
def pair(
    directory: Path,
    *options: str,
    order: dict[str, tuple[str, ...]],
    worker: Sequence[str] = ("fetches", "QUEUE", "1"),
    worker_timeout: float = 10.0,
    sidecar_timeout: float = 10.0,
    restarts: Sequence[str] = (),
    pid_mode: str | None = None,
) -> Iterator[Pair]:
    """Run one task. options: the sidecar's. worker: the name of an actor and its arguments. restarts: containers that are."""
    queue = directory / "queue"
    for name in ("waiting", "taken"):
        (queue / name).mkdir(parents=True)
    # Short, whatever the name of the test: the kernel takes 107 bytes.
    shared = Path(tempfile.mkdtemp(prefix="pair-"))
    environ = ENVIRONMENT | {
        "ECS_SUPERVISOR_SOCKET": str(shared / "hooks"),
        "ECS_SUPERVISOR_API": f"unix:{shared / 'api'}",
    }
    sidecar = (
        *(sys.executable, "-m", "supervisor", "sidecar"),
        *("--socket", str(shared / "hooks"), "--api", f"unix:{shared / 'api'}"),
        *("--stop-timeout", f"{sidecar_timeout:g}", *options),
    )
    commands = {
        "worker": Command(actor(*(word.replace("QUEUE", str(queue)) for word in worker)), environ),
        "sidecar": Command(sidecar, ENVIRONMENT),
    }
    timeouts = {"worker": worker_timeout, "sidecar": sidecar_timeout}
    plans = [
        ContainerPlan(
            name,
            order[name],
            stop_timeout=timeouts[name],
            restart=RestartPolicy(attempt_period=0.0) if name in restarts else None,
        )
        for name in commands
    ]
    world = World(desired_count=1, containers=plans, pid_mode=pid_mode)
    try:
        with Agent(world) as agent, Host(agent, commands, directory) as host:
            running = Pair(host, queue)
            running.until(lambda: host.service.tasks, "ECS has started a task")
            running.until_noted("task.running")
            yield running
    finally:
        shutil.rmtree(shared)


def groups_are_possible() -> bool:
    """Whether a container's processes can be told by their control group."""
    groups = ControlGroups()
    groups.close()
    return namespaces_are_possible() and groups.are_possible


# How a sidecar is told of the worker; what else the machine of these tests runs is none of its business.
BY_PATTERN = ("--worker-pattern", "rehearsals/actors/.*queue")
SEEN = ("--worker-container", "worker") if groups_are_possible() else BY_PATTERN
