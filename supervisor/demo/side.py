"""One side of the demo: an emulated service with its own queue, and everything that was seen of it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import supervisor
from supervisor.demo.queue import Queue
from supervisor.demo.stream import (
    RELEASE_DELAY_SECONDS,
    RELEASE_WINDOW_SECONDS,
    STOP_SEQUENCE,
    STOP_TIMEOUT_SECONDS,
    TASKS_AT_FIRST,
)
from supervisor.emulator.agent import Agent
from supervisor.emulator.container import Command
from supervisor.emulator.evidence import ContainerRecord, JobRecord, jobs_of
from supervisor.emulator.host import TICK_SECONDS, Host
from supervisor.emulator.service import Service
from supervisor.emulator.tasks import ContainerPlan, TaskPhase
from supervisor.emulator.world import World

# For `ecs-supervisor run`; all other options have their defaults.
OPTIONS = (
    *("--stop-timeout", f"{STOP_TIMEOUT_SECONDS:g}"),
    *("--stop-sequence", STOP_SEQUENCE),
    *("--release-delay", f"{RELEASE_DELAY_SECONDS:g}"),
    *("--release-window", f"{RELEASE_WINDOW_SECONDS:g}"),
    *("--log-format", "json"),
)

_CONTAINER = "worker"

# Workers look several times a second whether the demo is over.
_SEND_HOME_SECONDS = 3.0


class Side:
    """`is_supervised` is the only difference there is. Driven by `tick`, without threads of its own.

    `protected` holds for every task number the instants at which its protection began and ended, in turn.
    """

    def __init__(self, directory: Path, *, is_supervised: bool, finishes_at_stop: bool) -> None:
        directory.mkdir()
        self.is_supervised = is_supervised
        self.title = "under ecs-supervisor" if is_supervised else "bare worker"
        self.name = "supervised" if is_supervised else "bare"
        self.queue = Queue(directory / "queue")
        self.protected: dict[int, list[float]] = {}
        plan = ContainerPlan(_CONTAINER, stop_timeout=STOP_TIMEOUT_SECONDS)
        self.agent = Agent(World(desired_count=TASKS_AT_FIRST, containers=(plan,)))
        worker = command_of("supervisor.demo.worker", str(directory / "queue"), str(os.getpid()))
        if is_supervised:
            worker = command_of("supervisor", "run", *OPTIONS, "--", *worker)
        elif finishes_at_stop:
            worker = (*worker, "--finish")
        environ = {"PYTHONPATH": python_path()}
        if not is_supervised:
            # Its hooks would do the supervisor's part otherwise (hook-only mode), and there would be no bare worker to see.
            environ["ECS_SUPERVISOR_SOCKET"] = "none"
        command = Command(worker, environ)
        # Not in namespaces even where they are possible, so that the demo is the same for everybody.
        self._host = Host(self.agent, {_CONTAINER: command}, directory, in_namespaces=False)

    def __enter__(self) -> Side:
        self.agent.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._send_home()
        finally:
            self._host.close()
            self.agent.stop()

    @property
    def service(self) -> Service:
        return self._host.service

    @property
    def containers(self) -> tuple[ContainerRecord, ...]:
        """One for every task, because a task has one container."""
        return self._host.records

    @property
    def jobs(self) -> tuple[JobRecord, ...]:
        """What the workers have written, in the order of its instants."""
        return jobs_of(self._output(record.task_id) for record in self.containers)

    @property
    def is_over(self) -> bool:
        """Whether every task has stopped."""
        return all(task.phase is TaskPhase.STOPPED for task in self.service.tasks)

    def tick(self, now: float) -> None:
        """Let the service and its machine do what is due, and look who is protected."""
        self._host.tick(now)
        for task in self.service.tasks:
            changes = self.protected.setdefault(task.number, [])
            is_protected = task.phase is not TaskPhase.STOPPED and self.agent.is_protected(task.task_id)
            if is_protected != (len(changes) % 2 == 1):
                changes.append(now)

    def last_words(self) -> Iterator[str]:
        """Yield the end of what each task printed, for when the demo has failed."""
        for record in self.containers:
            for line in self._output(record.task_id).splitlines()[-5:]:
                yield f"{self.name} task {record.task_number}: {line}"

    def _send_home(self) -> None:
        """Let supervisors that still run exit by themselves, because one that is killed leaves its socket behind."""
        self.queue.close()
        self.service.scale(0)
        deadline = self.agent.now() + _SEND_HOME_SECONDS
        pause = threading.Event()
        while not self.is_over and (now := self.agent.now()) < deadline:
            self._host.tick(now)
            pause.wait(TICK_SECONDS)

    def _output(self, task_id: str) -> str:
        return self._host.output_path(task_id, _CONTAINER).read_text(errors="replace")


def command_of(module: str, *arguments: str) -> tuple[str, ...]:
    # Not -I, which would not see a checkout; -P keeps what lies in the current directory out all the same.
    return (sys.executable, "-P", "-m", module, *arguments)


def python_path() -> str:
    """Where the interpreter of a task finds the very package that runs now, installed or not."""
    ours = str(Path(supervisor.__file__).parents[1])
    return os.pathsep.join(filter(None, (ours, os.environ.get("PYTHONPATH"))))
