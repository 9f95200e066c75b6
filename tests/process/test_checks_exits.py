"""Checks: the end of the worker is the end of the supervisor, with the same status, and nothing is left behind."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.process.batch import statuses
from tests.process.harness import Run, Start, actor

# Signals that end a process by default (signal(7)); of the real-time ones the first, one between and the last.
DEADLY = [
    *range(1, 17),
    *(signal.SIGXCPU, signal.SIGXFSZ, signal.SIGVTALRM, signal.SIGPROF),
    *(signal.SIGIO, signal.SIGPWR, signal.SIGSYS),
    *(signal.SIGRTMIN, signal.SIGRTMIN + 9, signal.SIGRTMAX),
]


def test_check_exits_with_child(start: Start) -> None:
    """The supervisor stays as long as its worker does, and no longer, also as PID 1."""
    for as_pid_1 in (False, True):
        with start("sh", "-c", "echo ready; read line", stdin=subprocess.PIPE, as_pid_1=as_pid_1) as run:
            run.until_output("ready")
            run.until_noted("task.running")
            assert run.process.poll() is None
            run.write("\n", end=True)
            assert run.status() == 0


@pytest.mark.timeout(60)
def test_check_signal_deaths(command: str) -> None:
    """A worker that signal n has ended gives the status 128 + n, for every signal that can end one."""
    dying = [[command, "run", "--", "sh", "-c", f"ulimit -c 0; kill -{number} $$"] for number in DEADLY]
    assert statuses(dying) == [128 + number for number in DEADLY]


def test_check_code_despite_orphans(start: Start) -> None:
    """The status is the worker's, although orphans with other statuses end before, with and after it."""
    for as_pid_1 in (False, True):
        with start(*actor("orphans"), stdin=subprocess.PIPE, as_pid_1=as_pid_1) as run:
            run.write("100\n")
            run.until_output("left")
            _has_one_child(run)
            run.write("", end=True)
            assert run.status() == 0
    script = "for status in 1 2 3 4 5; do (sh -c 'exit '$status &); done; (sleep 0.1; exit 6) & exit 7"
    for as_pid_1 in (False, True):
        with start("sh", "-c", script, as_pid_1=as_pid_1) as run:
            assert run.status() == 7


def test_check_natural_exit_leaves(start: Start) -> None:
    """When the worker exits by itself, what it has left behind is ended, in whatever session it is."""
    with start(*actor("family", "exit")) as run:
        assert run.status() == 3
        assert run.marked() == []
        assert len(run.output[0].split()) == 3


def test_check_term_exit_leaves(start: Start) -> None:
    """When the worker exits at its stop signal, what it has left behind is ended, in whatever session it is."""
    with start(*actor("family", "obey")) as run:
        run.until_output("ready")
        run.send(signal.SIGTERM)
        assert run.status() == 5
        assert run.marked() == []


def test_check_bad_command(start: Start, tmp_path: Path) -> None:
    """A command that is not found gives 127, one that cannot be executed 126, each with one sentence."""
    not_executable = tmp_path / "program"
    not_executable.write_text("#!/bin/sh\n")
    no_interpreter = tmp_path / "script"
    no_interpreter.write_text("#!/no/such/interpreter\n")
    no_interpreter.chmod(0o755)
    for word, status in {
        "no-such-command": 127,
        "/no/such/file": 127,
        "/etc/hostname/below": 127,
        "": 127,
        str(tmp_path): 126,
        str(not_executable): 126,
        str(no_interpreter): 127,
    }.items():
        for as_pid_1 in (False, True):
            with start(word, as_pid_1=as_pid_1) as run:
                assert (run.status(), run.output) == (status, [])
                (line,) = run.errors
                assert line.startswith("ecs-supervisor: ")


def _has_one_child(run: Run) -> None:
    run.until(lambda: len(psutil.Process(run.pid).children()) == 1, "only the worker is left")
