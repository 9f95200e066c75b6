"""A worker that somebody else has started: found, held, signalled, and its end seen, with real processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from supervisor.adapters import neighbours
from supervisor.adapters.foreign_worker import ForeignWorker, Seen
from supervisor.adapters.neighbours import Neighbour
from supervisor.core.effects import Announce, Note
from supervisor.core.events import Event, SpawnFailed, WorkerExited
from supervisor.core.names import SignalName, WorkerName
from supervisor.emulator.control_groups import ControlGroups
from tests.waiting import until

WORKER = WorkerName("worker")
TERM, TSTP = SignalName("TERM"), SignalName("TSTP")
GONE = [WorkerExited(WORKER, 0)]

# A main process that has a child with the same words, as a pool has; it says what signals it gets.
POOL = """
import os, signal, sys
if os.fork() == 0:
    while True: signal.pause()
for number in (signal.SIGTERM, signal.SIGTSTP):
    signal.signal(number, lambda number, _: os.write(1, signal.Signals(number).name.encode() + b"\\n"))
os.write(1, b"ready\\n")
while True: signal.pause()
"""


class Pool:
    """word: what only its command line has."""

    def __init__(self, word: str, before: tuple[str, ...] = ()) -> None:
        self.word = word
        self.process = subprocess.Popen(
            [*before, sys.executable, "-c", POOL, word], stdout=subprocess.PIPE, start_new_session=True
        )
        assert self.heard() == "ready"

    def heard(self) -> str:
        """Wait for the next thing it says."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().strip()

    def end(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        if self.process.returncode is None:
            self.end()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def play() -> Iterator[Callable[..., Stage]]:
    """A maker of stages; nobody watches on any after the test."""
    stages: list[Stage] = []

    def begin(find: Callable[[], Seen | None] | None, stops: bool = False, waits: bool = True) -> Stage:
        stages.append(Stage(find, stops, waits))
        return stages[-1]

    yield begin
    for stage in stages:
        stage.end()


@pytest.fixture
def start(play: object) -> Iterator[Callable[..., Pool]]:  # noqa: ARG001 - who watches ends after what is watched
    """A starter of pools; none outlives the test."""
    pools: list[Pool] = []

    def begin(word: str | None = None, before: tuple[str, ...] = ()) -> Pool:
        pools.append(Pool(word or f"pool-{uuid.uuid4().hex}", before))
        return pools[-1]

    yield begin
    for pool in pools:
        pool.close()


def by_word(word: str) -> Callable[[], Neighbour | None]:
    match = neighbours.by_command_line(re.compile(word))
    return lambda: neighbours.find(match)


def taken(word: str) -> Neighbour:
    found = by_word(word)()
    assert found is not None
    return found


class Stage:
    """A foreign worker with what it posted and told."""

    def __init__(self, find: Callable[[], Seen | None] | None, stops: bool, waits: bool) -> None:
        self.posted: list[Event] = []
        self.told: list[Note] = []
        self.threads: list[threading.Thread] = []
        self.worker = ForeignWorker(WORKER, find, stops, waits, lambda: ())
        self.worker.start(self.posted.append, self.told.append, self._spawn)

    def until_told(self, name: str, times: int = 1) -> None:
        until(lambda: [note.name for note in self.told].count(name) == times, why=f"{name} is told")

    def leave(self) -> None:
        self.worker.announce(Announce("draining", False, True, 5.0, False))

    def end(self) -> None:
        """Wait until nobody watches any more; whoever was watched has ended."""
        self.worker.close()
        for thread in self.threads:
            thread.join(timeout=20)
            assert not thread.is_alive()

    def _spawn(self, _name: str, work: Callable[[], None]) -> None:
        self.threads.append(threading.Thread(target=work, daemon=True))
        self.threads[-1].start()


def test_the_main_process_is_found_by_the_command_line(start: Callable[..., Pool]) -> None:
    """The oldest, not one that another of them has started, and never ourselves, who have the pattern in our words."""
    pool = start()
    start(pool.word)
    found = taken(pool.word)
    assert found.pid == pool.process.pid
    found.close()
    assert by_word("no-such-worker-anywhere-here")() is None
    ours = psutil.Process().cmdline()[-1]
    assert (found_by_our_words := by_word(re.escape(ours))()) is None or found_by_our_words.pid != os.getpid()


def test_a_process_is_found_by_its_container(start: Callable[..., Pool]) -> None:
    """By the id that its control groups are named after, where the machine lets us make some."""
    groups, docker_id = ControlGroups(), uuid.uuid4().hex
    pool = start(before=groups.launcher(docker_id))
    found = neighbours.find(neighbours.in_container(docker_id))
    assert (None if found is None else found.pid) == (pool.process.pid if groups.are_possible else None)
    pool.end()
    groups.close()


def test_a_process_that_is_held_is_no_other_one(start: Callable[..., Pool]) -> None:
    """After its end nobody is signalled, whoever has its number by then; it need not have been collected."""
    pool = start()
    found = taken(pool.word)
    assert found.is_alive()
    assert found.send(signal.SIGTERM)
    assert pool.heard() == "SIGTERM"
    os.killpg(pool.process.pid, signal.SIGKILL)
    until(lambda: not found.is_alive(), why="its end is seen")
    pool.end()
    assert not found.send(signal.SIGTERM)
    found.close()
    found.close()


def test_a_kernel_without_handles_on_processes_will_do(
    play: Callable[..., Stage], start: Callable[..., Pool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then number and create time say which process it is."""

    def refuse(_pid: int) -> int:
        raise OSError("no pidfd")

    monkeypatch.setattr("supervisor.adapters.neighbours.os.pidfd_open", refuse)
    pool = start()
    stage = play(by_word(pool.word))
    stage.until_told("worker.found")
    assert stage.worker.signal(WORKER, TERM)
    assert pool.heard() == "SIGTERM"
    pool.end()
    stage.until_told("worker.gone")
    assert not stage.worker.signal(WORKER, TERM)


def test_a_process_that_ends_meanwhile_is_not_taken(start: Callable[..., Pool]) -> None:
    """Between being seen and being held it may go, and its number to another."""
    pool = start()
    process = psutil.Process(pool.process.pid)
    pool.end()
    with pytest.raises(ProcessLookupError):
        Neighbour(process)


def test_a_worker_may_end_and_come_back_while_nobody_asks_us_to_stop(
    play: Callable[..., Stage], start: Callable[..., Pool]
) -> None:
    """Its end is told to people and not to the core; who takes its place is found."""
    pool = start()
    stage = play(by_word(pool.word))
    stage.until_told("worker.found")
    pool.end()
    stage.until_told("worker.gone")
    start(pool.word)
    stage.until_told("worker.found", times=2)
    assert stage.posted == []


def test_the_end_of_the_worker_is_reported_on_the_way_out(
    play: Callable[..., Stage], start: Callable[..., Pool]
) -> None:
    """Once, whether it comes before or after the order to stop it; that order is none for a worker that ECS stops itself."""
    pool = start()
    stage = play(by_word(pool.word))
    stage.until_told("worker.found")
    stage.leave()
    assert stage.worker.stop(WORKER, TERM)
    assert stage.posted == []
    pool.end()
    until(lambda: stage.posted == GONE, why="its end is reported")
    stage.worker.stop(WORKER, TERM)
    stage.worker.kill(WORKER)
    assert stage.posted == GONE


def test_an_end_before_anything_is_announced_is_reported(
    play: Callable[..., Stage], start: Callable[..., Pool]
) -> None:
    """The order to stop a worker is carried out first, and many end of it at once."""
    pool = start()
    stage = play(by_word(pool.word))
    stage.until_told("worker.found")
    assert stage.worker.stop(WORKER, TERM)
    pool.end()
    until(lambda: stage.posted == GONE, why="its end is reported")


def test_a_worker_that_is_ours_to_stop_gets_its_signal(
    play: Callable[..., Stage], start: Callable[..., Pool]
) -> None:
    """And is waited for; so with the signal to be quiet."""
    pool = start()
    stage = play(by_word(pool.word), stops=True)
    stage.until_told("worker.found")
    assert stage.worker.signal(WORKER, TSTP)
    assert pool.heard() == "SIGTSTP"
    stage.leave()
    assert stage.worker.stop(WORKER, TERM)
    assert pool.heard() == "SIGTERM"
    assert stage.posted == []


@pytest.mark.parametrize("stops", [False, True])
def test_where_nobody_is_seen_our_part_is_done(play: Callable[..., Stage], stops: bool) -> None:
    """The order to stop the worker then ends our waiting at once; nobody is signalled."""
    stage = play(None, stops=stops)
    stage.leave()
    assert not stage.worker.signal(WORKER, TSTP)
    assert not stage.worker.stop(WORKER, TERM)
    assert stage.posted == GONE


def test_early_notice_does_not_wait_for_the_workers_end(
    play: Callable[..., Stage], start: Callable[..., Pool]
) -> None:
    """ECS signals it when we are gone, so it is left as it is."""
    pool = start()
    stage = play(by_word(pool.word), waits=False)
    stage.until_told("worker.found")
    stage.worker.stop(WORKER, TERM)
    assert stage.posted == GONE


def test_the_order_to_kill_only_ends_our_waiting(
    play: Callable[..., Stage], start: Callable[..., Pool]
) -> None:
    """A neighbour is never killed: it has a stop timeout of its own."""
    pool = start()
    stage = play(by_word(pool.word))
    stage.until_told("worker.found")
    assert stage.worker.kill(WORKER) == 0
    assert stage.worker.sweep(1.0) == 0
    assert stage.posted == GONE
    assert pool.process.poll() is None


def test_a_worker_of_another_user_is_told_of(play: Callable[..., Stage]) -> None:
    """Where the kernel does not let us signal it, that is said at once, and what to do; nothing fails over it."""
    forbidden = Forbidden()
    stage = play(lambda: forbidden, stops=True)
    stage.until_told("worker.not_ours_to_signal")
    assert not stage.worker.signal(WORKER, TSTP)
    assert not stage.worker.stop(WORKER, TERM)
    assert stage.posted == GONE
    forbidden.is_there = False


class Forbidden:
    """A process that is there, and whose user is another one."""

    pid = 7
    descriptor = None
    is_there = True

    def is_alive(self) -> bool:
        return self.is_there

    def send(self, number: int) -> bool:
        raise PermissionError(number)

    def close(self) -> None:
        """Nothing is held."""


def test_the_kernel_says_whether_we_may_signal(start: Callable[..., Pool]) -> None:
    """One without rights finds a process of another user, and learns that it may not signal it; where we have them, we may."""
    pool = start()
    program = (
        "import os, re, sys\n"
        "from supervisor.adapters import neighbours\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "found = neighbours.find(neighbours.by_command_line(re.compile(sys.stdin.read())))\n"
        "try: print(found.send(0))\n"
        "except PermissionError: print('forbidden')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=pool.word.encode(),
        capture_output=True,
        check=True,
        cwd=Path.cwd(),
    )
    assert done.stdout.decode().strip() == ("forbidden" if os.geteuid() == 0 else "True")


def test_nobody_is_started_here(play: Callable[..., Stage]) -> None:
    """The core may order it only by a defect, and is answered in order."""
    stage = play(None)
    assert isinstance(stage.worker.spawn(WORKER), SpawnFailed)
    assert list(stage.worker.reap()) == []
    stage.worker.close()
