"""A worker on a terminal behaves as if nobody stood between: it reads, is interrupted once, and can be put aside."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil

from tests.process.harness import Run, actor, supervised

CTRL_C = b"\x03"
CTRL_Z = b"\x1a"

HUMAN = ("--log-format", "human")


class Screen:
    """A person's side of a terminal: what they see, and their keys."""

    def __init__(self, master: int) -> None:
        self._master = master
        self._seen = b""
        threading.Thread(target=self._look, daemon=True).start()

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def shows(self, text: str) -> bool:
        return text in self.text

    def foreground(self) -> int:
        """Return the group that has the terminal."""
        return os.tcgetpgrp(self._master)

    @property
    def text(self) -> str:
        return self._seen.decode(errors="replace")

    def _look(self) -> None:
        # The terminal is gone when its last user is.
        with suppress(OSError):
            while True:
                self._seen += os.read(self._master, 4096)


@contextmanager
def at_a_terminal(
    *command: str, options: Sequence[str] = HUMAN, with_stdin: bool = True
) -> Iterator[tuple[Run, Screen]]:
    """Run the supervisor in the foreground of a shell with job control."""
    master, slave = os.openpty()
    shell = actor("shell", os.ttyname(slave), "stdin" if with_stdin else "no-stdin")
    try:
        with supervised(*command, before=shell, options=options, stdin=subprocess.PIPE) as run:
            screen = Screen(master)
            try:
                yield run, screen
            except AssertionError as error:
                raise AssertionError(f"{error}\nthe screen shows: {screen.text}") from error
    finally:
        os.close(slave)
        os.close(master)


def test_the_worker_reads_from_the_terminal() -> None:
    """The worker's group is in the foreground, so that it may read, and we have the terminal back when it ends."""
    with at_a_terminal("sh", "-c", "echo ready; read line; echo got $line; exit 6") as (run, screen):
        run.until(lambda: screen.shows("ready"), "the worker is ready")
        screen.type(b"words\n")
        run.until_output("exited 6 job")
        run.until(lambda: screen.shows("got words"), "the worker's last words are shown")


def test_ctrl_c_comes_once() -> None:
    """The kernel sends Ctrl-C to the worker's group, and nobody sends it again."""
    with at_a_terminal(*actor("prints_signals")) as (run, screen):
        run.until(lambda: screen.shows("ready"), "the worker is ready")
        screen.type(CTRL_C)
        run.until(lambda: screen.shows("SIGINT"), "the worker is interrupted")
        screen.type(CTRL_C)
        run.until(lambda: screen.text.count("SIGINT") == 2, "the worker is interrupted again")
        assert not screen.shows("task.draining")


def test_ctrl_z_stops_both_and_the_shell_wakes_both() -> None:
    """When the worker stops, so do we, and the shell can bring both back to the foreground."""
    with at_a_terminal("sh", "-c", "echo ready; read line; echo got $line; exit 6") as (run, screen):
        run.until(lambda: screen.shows("ready"), "the worker is ready")
        run.until(lambda: screen.shows("task.running"), "the supervisor is ready")
        for times in (1, 2):
            screen.type(CTRL_Z)
            run.until(lambda times=times: run.output.count("stopped") == times, "the shell sees its job stop")  # type: ignore[misc]
            wake(run)
            until_back(run, screen)
        screen.type(b"words\n")
        run.until_output("exited 6 job")
        run.until(lambda: screen.shows("got words"), "the worker's last words are shown")


def test_a_stop_that_comes_to_us_stops_both() -> None:
    """SIGTSTP to the supervisor on a terminal is Ctrl-Z: the worker stops, and so do we, until the shell wakes us."""
    with at_a_terminal("sh", "-c", "echo ready; read line; echo got $line; exit 6") as (run, screen):
        run.until(lambda: screen.shows("task.running"), "the supervisor is ready")
        os.kill(supervisor_of(run).pid, signal.SIGTSTP)
        run.until_output("stopped")
        wake(run)
        until_back(run, screen)
        screen.type(b"words\n")
        run.until_output("exited 6 job")


def test_a_terminal_that_is_not_standard_input_stays_with_us() -> None:
    """Where standard input is no terminal Ctrl-C comes to us: it means stop, and a second one means now."""
    options = (*HUMAN, "--stop-timeout", "100", "--stop-sequence", "WAIT 80 TERM 5 KILL")
    with at_a_terminal(*actor("waits", "6"), options=options, with_stdin=False) as (run, screen):
        run.until(lambda: screen.shows("task.running"), "the supervisor is ready")
        run.until(lambda: screen.shows("ready"), "the worker is ready")
        screen.type(CTRL_C)
        run.until(lambda: screen.shows("reason=Ctrl-C"), "the stop has begun")
        screen.type(CTRL_C)
        run.until_output("exited 6 job")
        run.until(lambda: screen.shows("task.forced"), "the second one is told apart")


def supervisor_of(run: Run) -> psutil.Process:
    (supervisor,) = psutil.Process(run.process.pid).children()
    return supervisor


def until_back(run: Run, screen: Screen) -> None:
    """Wait until the worker is awake and has the terminal."""
    (worker,) = supervisor_of(run).children()
    run.until(lambda: screen.foreground() == worker.pid, "the worker has the terminal")
    run.until(lambda: worker.status() != psutil.STATUS_STOPPED, "the worker is awake")


def wake(run: Run) -> None:
    assert run.process.stdin is not None
    run.process.stdin.write(b"fg\n")
    run.process.stdin.flush()
