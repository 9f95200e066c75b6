"""Fixtures for the tests of people whose workers run on ECS: an agent to call, a task to stop.

def test_my_worker_finishes_its_job(ecs_task):
    task = ecs_task([sys.executable, "worker.py"], stop_timeout=10)
    task.wait_for_output("busy")
    task.stop()
    assert task.wait_stopped().exit_code == 0
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from supervisor.emulator.agent import Agent
from supervisor.emulator.container import Command
from supervisor.emulator.evidence import ContainerRecord
from supervisor.emulator.host import Host
from supervisor.emulator.tasks import DEFAULT_STOP_TIMEOUT_SECONDS, ContainerPlan
from supervisor.emulator.world import World

# Generous: it decides only how long a broken test takes to fail.
WAIT_LIMIT_SECONDS = 30.0


class EcsTask:
    """A running task with one container, and the ways in which ECS stops it."""

    def __init__(self, host: Host, task_id: str, container: str) -> None:
        self._host = host
        self._container = container
        self.task_id = task_id

    @property
    def record(self) -> ContainerRecord | None:
        """What happened to the container so far; None until it was started."""
        for record in self._host.records:
            if record.task_id == self.task_id:
                return record
        return None

    @property
    def output(self) -> str:
        """What the container printed so far."""
        path = self._host.output_path(self.task_id, self._container)
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def is_protected(self) -> bool:
        return self._host.agent.is_protected(self.task_id)

    def scale_in(self) -> None:
        """Want one task less: it is told to stop as soon as it is not protected."""
        self._host.service.scale_by(-1)

    def stop(self) -> None:
        """Order the stop as StopTask does, protected or not; nothing replaces the task."""
        # In one breath: between the two the service would start a replacement or stop another task.
        with self._host.agent.world_lock:
            self._host.service.scale_by(-1)
            self._host.service.stop_task(self.task_id)

    def wait_stopped(self, limit_seconds: float = WAIT_LIMIT_SECONDS) -> ContainerRecord:
        """The record of the container, once it has exited: its exit code, and whether it had to be killed."""
        self._wait(
            lambda: self.record is not None and self.record.exited_at is not None, limit_seconds, "exit"
        )
        assert self.record is not None
        return self.record

    def wait_for_output(self, text: str, limit_seconds: float = WAIT_LIMIT_SECONDS) -> None:
        """Wait until the container has printed this."""
        self._wait(lambda: text in self.output, limit_seconds, f"print {text!r}")

    def wait_protected(self, limit_seconds: float = WAIT_LIMIT_SECONDS) -> None:
        """Wait until the scheduler would spare the task."""
        self._wait(lambda: self.is_protected, limit_seconds, "become protected")

    def _wait(self, predicate: Callable[[], bool], limit_seconds: float, what: str) -> None:
        if not self._host.wait_until(predicate, limit_seconds):
            pytest.fail(f"the container did not {what} within {limit_seconds} s; it printed:\n{self.output}")


class EcsTaskStarter(Protocol):
    """Runs a command as one more task of the emulated service."""

    def __call__(
        self,
        argv: Sequence[str],
        *,
        stop_timeout: float = ...,
        stop_signal: signal.Signals = ...,
        environ: Mapping[str, str] | None = ...,
        directory: Path | None = ...,
    ) -> EcsTask: ...


@pytest.fixture
def ecs_agent() -> Iterator[Agent]:
    """An agent with an empty service; `faults` says what goes wrong, `calls` what it was asked."""
    with Agent(World()) as agent:
        yield agent


@pytest.fixture
def ecs_endpoint(ecs_agent: Agent, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a task in whose environment this test runs: for code that calls the agent in this process."""
    task_id = ecs_agent.world.add_task(ecs_agent.now())
    monkeypatch.setenv("ECS_AGENT_URI", ecs_agent.uri(task_id))
    monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", ecs_agent.metadata_uri(task_id))
    return task_id


@pytest.fixture
def ecs_task(ecs_agent: Agent, tmp_path: Path) -> Iterator[EcsTaskStarter]:
    """A starter of tasks: give it a command, get a running container with a stop sequence."""
    with Host(ecs_agent, {}, tmp_path) as host:

        def start(
            argv: Sequence[str],
            *,
            stop_timeout: float = DEFAULT_STOP_TIMEOUT_SECONDS,
            stop_signal: signal.Signals = signal.SIGTERM,
            environ: Mapping[str, str] | None = None,
            directory: Path | None = None,
        ) -> EcsTask:
            name = f"worker-{len(host.commands) + 1}"
            host.commands[name] = Command(tuple(argv), environ or {}, directory)
            with ecs_agent.world_lock:
                ecs_agent.world.register(
                    [ContainerPlan(name, stop_timeout=stop_timeout, stop_signal=stop_signal)]
                )
                task_id = host.service.add_task()
            return EcsTask(host, task_id, name)

        yield start
