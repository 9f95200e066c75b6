"""A supervisor that listens, and this process as a worker that has not spoken to it yet."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervisor.hooks import _client, _whereabouts
from tests.unit.hooks.fake_supervisor import FakeSupervisor
from tests.waiting import until

REPOSITORY = Path(__file__).parents[3]

# Machines are slow and noisy; this is for programs that take well under a second.
WORKER_LIMIT_SECONDS = 15.0

StartWorker = Callable[[str], "Worker"]


@pytest.fixture
def absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSupervisor]:
    """A supervisor that this process was told of and that does not listen, yet."""
    supervisor = FakeSupervisor(tmp_path / "hooks.sock")
    monkeypatch.setenv(_whereabouts.SOCKET_VARIABLE, str(supervisor.path))
    monkeypatch.delenv(_whereabouts.HOLD_WAIT_VARIABLE, raising=False)
    _forget()
    yield supervisor
    supervisor.stop()
    _forget()


@pytest.fixture
def supervisor(absent: FakeSupervisor) -> FakeSupervisor:
    """A supervisor that listens and has been heard by this process."""
    absent.start()
    until(_client.client().spoken, why="the supervisor's first word")
    return absent


@pytest.fixture
def asked_supervisor(absent: FakeSupervisor, monkeypatch: pytest.MonkeyPatch) -> FakeSupervisor:
    """A supervisor that jobs wait for, longer than any of these tests takes."""
    monkeypatch.setenv(_whereabouts.HOLD_WAIT_VARIABLE, "60")
    absent.start()
    until(_client.client().spoken, why="the supervisor's first word")
    return absent


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No supervisor at all."""
    monkeypatch.delenv(_whereabouts.SOCKET_VARIABLE, raising=False)
    _forget()
    yield
    _forget()


class Worker:
    """A program in a process of its own."""

    def __init__(self, script: Path) -> None:
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
        self.process = subprocess.Popen(
            [sys.executable, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def tell(self) -> None:
        """Let its input() return."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def line(self) -> str:
        """Return the next line it prints."""
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        assert text, self.process.communicate(timeout=WORKER_LIMIT_SECONDS)[1]
        return text.rstrip("\n")

    def succeeds(self) -> None:
        """Wait for its end and expect no complaint."""
        _, complaint = self.process.communicate(timeout=WORKER_LIMIT_SECONDS)
        assert (self.process.returncode, complaint) == (0, "")


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[StartWorker]:
    """Start a program as a worker, with the environment as it is by then; killed when the test ends."""
    workers: list[Worker] = []

    def start(program: str) -> Worker:
        script = tmp_path / f"worker{len(workers)}.py"
        script.write_text(program)
        workers.append(Worker(script))
        return workers[-1]

    yield start
    for worker in workers:
        worker.process.kill()
        worker.process.communicate()


def _forget() -> None:
    _client.retire()
    _client.client().state = _client.UNKNOWN
