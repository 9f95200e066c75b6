"""Hook-only mode in the emulated ECS: prefork processes under fire, and a service whose entry point is the plain worker."""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil
import pytest

from supervisor.emulator.agent import Agent
from supervisor.emulator.container import Command
from supervisor.emulator.evidence import JobRecord, jobs_of
from supervisor.emulator.host import Host
from supervisor.emulator.tasks import ContainerPlan, StopReason
from supervisor.emulator.world import World
from supervisor.hooks import _whereabouts
from tests.process.crew import forget
from tests.process.harness import MARK
from tests.rehearsals.exposure import Held, longest_exposure, shortest_idleness
from tests.rehearsals.stage import ACTORS, ENVIRONMENT, asked
from tests.thoroughness import enough
from tests.waiting import until

SECONDS = enough(15, 45)
PROCESSES, THREADS = 8, 4
SEED = 2026

# The longest a job may be without protection after a change of arbiters: the next one is elected and loaded, and the
# client comes back (0.6 s at most here), on a machine that does other things as well.
TAKEOVER_SECONDS = 2.5

# How long the work goes on after the last death: whoever dies last has a successor, too.
CALM_SECONDS = int(2 * TAKEOVER_SECONDS)

# struct flock of Linux with 64 bit: type, whence, start, length, pid (fcntl(2)).
_FLOCK = "hhqqi4x"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the workers wrote down, and who was killed when."""

    records: list[tuple[float, int, str, str]]
    killed_at: dict[int, float]

    def held(self) -> list[Held]:
        begun, held = {}, []
        for at, pid, name, what in self.records:
            if what == "start":
                begun[pid, name] = at
            else:
                held.append(Held(begun.pop((pid, name)), at))
        return held + [Held(at, self.killed_at[pid]) for (pid, _), at in begun.items()]


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 90)
def test_arbiters_are_killed_and_no_job_is_released_under(tmp_path: Path) -> None:
    """Whoever is the arbiter is killed every few seconds; another takes over, and protection follows the jobs all the same."""
    file = tmp_path / "records"
    with Agent(World()) as agent:
        task_id = agent.world.add_task(agent.now())
        environ = {"ECS_AGENT_URI": agent.uri(task_id), "ECS_SUPERVISOR_RELEASE_DELAY": "0"}
        shift = _actor("shift", str(file), *map(str, (PROCESSES, THREADS, SECONDS + CALM_SECONDS, SEED)))
        with _running(shift, environ, tmp_path / "log") as running:
            killed_at = _kill_arbiters(running, agent.uri(task_id))
            until(
                lambda: not agent.is_protected(task_id), limit=20, why="nobody works, so nothing is protected"
            )
            arbiters = Counter(
                each["arbiter"] for each in running.notes() if each["event"] == "arbiter.elected"
            )
        calls = agent.protection_calls(task_id)
        most_in_flight = agent.max_in_flight(task_id)
        forget(agent.uri(task_id))

    held = _Seen([tuple(json.loads(line)) for line in file.read_text().splitlines()], killed_at).held()
    orders = [asked(call) for call in calls]
    assert len(killed_at) >= SECONDS / 6, "too few arbiters were killed to learn anything from"
    assert len(arbiters) > len(killed_at) >= 1
    assert set(arbiters.values()) == {1}
    assert orders.count("unprotect") >= SECONDS / 15, "there were too few releases to learn anything from"
    assert len(held) > 20 * SECONDS, "there were too few jobs to learn anything from"

    exposure = longest_exposure(held, calls)
    round_trip = max(call.seconds for call in calls)
    assert exposure < round_trip + TAKEOVER_SECONDS
    # A killed arbiter may have left a request behind.
    assert most_in_flight <= 2
    idleness = shortest_idleness(held, calls, TAKEOVER_SECONDS)
    assert idleness > 0


@pytest.mark.timeout(90)
def test_a_scale_in_spares_the_task_that_works(tmp_path: Path) -> None:
    """Plain workers with hooks, no supervisor: the idle task goes, the busy one finishes its job and is let go by its arbiter."""
    queue = tmp_path / "queue"
    for name in ("waiting", "taken"):
        (queue / name).mkdir(parents=True)
    worker = Command(_actor("fetches", str(queue), "2"), ENVIRONMENT | {"ECS_SUPERVISOR_LOG_LEVEL": "info"})
    world = World(desired_count=1, containers=[ContainerPlan("worker", stop_timeout=10.0)])
    with Agent(world) as agent, Host(agent, {"worker": worker}, tmp_path) as host:
        try:
            (queue / "waiting" / "0001-6").touch()
            _until(
                host,
                lambda: any(agent.is_protected(task.task_id) for task in host.service.tasks),
                "protected",
            )
            (busy,) = (task.task_id for task in host.service.tasks)
            host.service.scale(2)
            _until(
                host,
                lambda: len([each for each in _records(tmp_path) if each.what == "opened"]) >= 2,
                "ready",
            )
            host.service.scale(1)
            _until(
                host, lambda: [each for each in host.records if each.exited_at is not None], "one has stopped"
            )
            (stopped,) = (each for each in host.records if each.exited_at is not None)
            assert stopped.task_id != busy
            assert stopped.stop_reason is StopReason.SCALE_IN
            assert agent.is_protected(busy)
            _until(
                host, lambda: [each for each in _records(tmp_path) if each.what == "end"], "the job is done"
            )
            # RECONNECT_SECONDS counts for less than the release delay's default here: the worker's end is the end of it.
            host.service.scale(0)
            host.service.stop_task(busy)
            _until(
                host, lambda: all(each.exited_at is not None for each in host.records), "both have stopped"
            )
            assert [each.exit_code for each in host.records] == [0, 0]
            assert not any(each.killed for each in host.records)
        finally:
            for task in world.tasks:
                forget(agent.uri(task.task_id))


class _Shift:
    """The running processes and what they have said."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._log = log
        self.done = threading.Event()
        threading.Thread(target=self._listen, args=(process.stdout,), daemon=True).start()

    def notes(self) -> list[dict[str, Any]]:
        """Return the log lines of all arbiters so far; a killed one may have left half a line."""
        return [json.loads(line) for line in self._log.read_text().splitlines() if line[-1:] == "}"]

    def _listen(self, stream: IO[bytes]) -> None:
        with suppress(ValueError, OSError):
            if stream.readline():
                self.done.set()


def _actor(name: str, *arguments: str) -> tuple[str, ...]:
    """Return the command of one of our workers, with all that is installed: an arbiter needs it in its own interpreter."""
    return (sys.executable, str(ACTORS / f"{name}.py"), *arguments)


@contextmanager
def _running(command: tuple[str, ...], environ: dict[str, str], log: Path) -> Iterator[_Shift]:
    mark = uuid.uuid4().hex
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ECS_SUPERVISOR")}
    environ = ours | ENVIRONMENT | environ | {"ECS_SUPERVISOR_LOG_LEVEL": "info", MARK: mark}
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environ)
    assert process.stdout is not None
    try:
        yield _Shift(process, log)
    finally:
        process.kill()
        process.wait()
        until(lambda: not _killed(mark), why="all processes of the test are gone")
        process.stdout.close()


def _killed(mark: str) -> list[psutil.Process]:
    left = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                process.kill()
                left.append(process)
    return left


def _kill_arbiters(shift: _Shift, agent_uri: str) -> dict[int, float]:
    """Kill whoever holds the office, at random instants, until the work is nearly done; return who was killed when."""
    chance, killed_at, calm_at = random.Random(SEED), {}, time.monotonic() + SECONDS
    while not shift.done.wait(chance.uniform(1.0, 5.0)):
        pid = _arbiter(agent_uri)
        if pid > 0 and pid not in killed_at and time.monotonic() < calm_at:
            os.kill(pid, signal.SIGKILL)
            killed_at[pid] = time.monotonic()
    return killed_at


def _arbiter(agent_uri: str) -> int:
    """Return who holds the lock, 0 where nobody does."""
    asked_for = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    with suppress(FileNotFoundError), open(f"{_whereabouts.folder_for(agent_uri)}/lock", "rb+") as file:
        kind, *_, pid = struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked_for))
        return 0 if kind == fcntl.F_UNLCK else int(pid)
    return 0


def _records(directory: Path) -> list[JobRecord]:
    return list(jobs_of(file.read_text() for file in directory.glob("jobs-*.jsonl")))


def _until(host: Host, predicate: Callable[[], object], why: str) -> None:
    try:
        until(predicate, limit=30, why=why)
    except AssertionError as error:
        said = [f"{file.name}:\n{file.read_text()}" for file in sorted(host.directory.glob("*.log"))]
        raise AssertionError("\n".join((str(error), *said))) from None
