"""Starts real supervisors over real workers and sees to it that none of their processes outlives its test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import psutil

from tests.waiting import until

ROOT = Path(__file__).parents[2]
ACTORS = Path(__file__).parent / "actors"

# Every process of a run inherits this, however it detaches itself.
MARK = "ECS_TEST_RUN"

# What the entry script does, for a checkout that is not installed.
_ENTRY = f"""
import _signal
_signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
import sys
sys.path.insert(0, {str(ROOT)!r})
%s
from supervisor.cli.main import main
main()
"""

# A new PID namespace whose first process is the command, as in a container; as root or with a user namespace.
_NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


def actor(name: str, *arguments: str) -> tuple[str, ...]:
    """Return the command of one of our tiny programs."""
    return (sys.executable, "-I", "-S", "-u", str(ACTORS / f"{name}.py"), *arguments)


def checkout(defect: str = "") -> tuple[str, ...]:
    """Return the words that are `ecs-supervisor` without an installation. defect: code that breaks something in it first."""
    return (sys.executable, "-I", "-c", _ENTRY % defect)


class Run:
    """One supervisor, its output as lines, its log as dictionaries."""

    def __init__(self, process: subprocess.Popen[bytes], mark: str, is_inside: bool) -> None:
        self.process = process
        self.mark = mark
        self._is_inside = is_inside
        self._dumps = 0
        self.output: list[str] = []
        self.errors: list[str] = []
        self._threads = [
            _collector(stream, lines)
            for stream, lines in ((process.stdout, self.output), (process.stderr, self.errors))
            if stream is not None
        ]

    @property
    def notes(self) -> list[dict[str, Any]]:
        """Return the log lines so far."""
        return [json.loads(line) for line in self.errors if line.startswith('{"time"')]

    def names(self) -> list[str]:
        """Return the names of the events in the log so far."""
        return [note["event"] for note in self.notes]

    def until(self, predicate: Callable[[], object], why: str, limit: float = 10.0) -> None:
        """Wait for a fact about this run; tell what it said so far when it does not come."""
        try:
            until(predicate, limit=limit, why=why)
        except AssertionError as error:
            raise AssertionError(
                f"{error}\nstdout: {self.output}\nstderr: {self.errors}\n{self.tree()}"
            ) from None

    def until_ready(self) -> None:
        self.until(lambda: self.output, "the worker says anything")

    def until_output(self, line: str) -> None:
        self.until(lambda: line in self.output, f"the worker says {line!r}")

    def until_noted(self, name: str) -> None:
        self.until(lambda: name in self.names(), f"the log has {name}")

    def journal(self) -> list[str]:
        """Ask for a dump; return the journal in it: a line about itself, then one for each entry."""
        self.send(signal.SIGRTMIN + 4)
        self._dumps += 1
        asked = '"event": {"DumpRequested"'
        self.until(
            lambda: sum(asked in line for line in self._dumped()) == self._dumps, "the journal is printed"
        )
        return self._dumped()

    def _dumped(self) -> list[str]:
        """Return the last journal that was printed."""
        lines = [line for line in self.errors if line.startswith(('{"journal"', '{"at"'))]
        heads = [index for index, line in enumerate(lines) if line.startswith('{"journal"')]
        return lines[heads[-1] :] if heads else []

    @property
    def pid(self) -> int:
        """Return the supervisor's own process, seen from here: what was started may be `unshare` around it."""
        if not self._is_inside:
            return self.process.pid
        (inside,) = psutil.Process(self.process.pid).children()
        return inside.pid

    def send(self, number: signal.Signals | int) -> None:
        os.kill(self.pid, number)

    def write(self, text: str, end: bool = False) -> None:
        """Write to the supervisor's standard input; end: nothing more will come."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()
        if end:
            self.process.stdin.close()

    def status(self, limit: float = 20.0) -> int:
        """Wait for the supervisor's end and all its output; return its exit status."""
        status = self.process.wait(limit)
        for thread in self._threads:
            thread.join(limit)
        return status

    def timed_stop(self, number: signal.Signals | int = signal.SIGTERM) -> tuple[int, float]:
        """Send a stop signal; return the exit status, and the seconds until then by our own clock."""
        pid, began = self.pid, time.monotonic()
        os.kill(pid, number)
        self.process.wait(20)
        seconds = time.monotonic() - began
        return self.status(), seconds

    def marked(self) -> list[psutil.Process]:
        """Return every living process of this run, the supervisor itself among them."""
        return [process for process in psutil.process_iter() if _has_mark(process, self.mark)]

    def tree(self) -> str:
        return "\n".join(f"{each.pid} {' '.join(each.cmdline())}" for each in self.marked())


Start = Callable[..., AbstractContextManager[Run]]


@contextmanager
def supervised(
    *command: str,
    options: Sequence[str] = (),
    env: dict[str, str] | None = None,
    as_pid_1: bool = False,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.PIPE,
    stderr: int | IO[bytes] = subprocess.PIPE,
    before: Sequence[str] = (),
    entry: Sequence[str | Path] = (),
    defect: str = "",
    mode: str = "run",
    **popen: Any,
) -> Iterator[Run]:
    """Run `ecs-supervisor run`, or what `mode` names, over a command; whatever is left of it afterwards is killed.

    before: words in front, of a program that starts the supervisor. entry: the words that are the supervisor itself,
    where it is not the checkout's. defect: code that breaks something in it first.
    """
    mark = uuid.uuid4().hex
    supervisor = entry or checkout(defect)
    over = ("--", *command) if command else ()
    words = [*before, *(namespace() if as_pid_1 else ()), *supervisor, mode, *options, *over]
    process = subprocess.Popen(
        words, stdin=stdin, stdout=stdout, stderr=stderr, env=os.environ | (env or {}) | {MARK: mark}, **popen
    )
    run = Run(process, mark, is_inside=as_pid_1)
    try:
        yield run
    finally:
        until(lambda: not _killed(run), limit=10.0, why="all processes of the test are gone")
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def namespace() -> tuple[str, ...]:
    """Return the words that start a command as PID 1 of a new namespace."""
    return _NAMESPACE if os.geteuid() == 0 else (*_NAMESPACE, "--user", "--map-root-user")


def _killed(run: Run) -> set[psutil.Process]:
    """Kill what is left of a run and return it."""
    left = set(run.marked())
    # A process that sets its title (RQ, Celery, gunicorn) writes over its environment, and with it over the mark.
    with suppress(psutil.NoSuchProcess):
        left.update(psutil.Process(run.process.pid).children(recursive=True))
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    run.process.poll()
    return left


def _has_mark(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


def _collector(stream: IO[bytes], lines: list[str]) -> threading.Thread:
    def collect() -> None:
        # Closed under our feet where a test has ended early.
        with suppress(ValueError, OSError):
            for line in stream:
                lines.append(line.decode(errors="replace").rstrip("\n"))  # noqa: PERF401 - read while it grows

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    return thread
