"""The command `sidecar` as a process: what it refuses, what it does with signals, what it owes to PID 1."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.process.harness import ROOT, namespace
from tests.waiting import until

COMMAND = (sys.executable, "-m", "supervisor", "sidecar")

# Its grandchild ends when it has no parent any more but PID 1.
LEAVES_ORPHAN = """
import os
if os.fork() == 0:
    parent = os.getpid()
    if os.fork() == 0:
        while os.getppid() == parent: pass
    os._exit(0)
os.wait()
"""


class Sidecar:
    """inside: its process, seen from here; what was started may be `unshare` around it."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log
        self.inside = psutil.Process(process.pid)

    def names(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.lines() if line.startswith('{"time"')]

    def lines(self) -> list[str]:
        return [line for line in self._log.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def until_noted(self, name: str) -> None:
        until(lambda: name in self.names(), why=f"the log has {name}")


@contextmanager
def sidecar(directory: Path, *options: str, before: Sequence[str] = ()) -> Iterator[Sidecar]:
    log = directory / "log"
    with log.open("wb") as output:
        words = [*before, *COMMAND, "--socket", str(directory / "s"), "--api", "none", *options]
        process = subprocess.Popen(words, stderr=output, cwd=ROOT)
    started = Sidecar(process, log)
    try:
        started.until_noted("task.running")
        if before:
            [started.inside] = started.inside.children()
        yield started
    finally:
        process.kill()
        process.wait()


def test_an_idle_sidecar_leaves_at_once(tmp_path: Path) -> None:
    """With 0, whichever way it was asked, and its socket is gone; it never says that it has started a worker."""
    with sidecar(tmp_path) as it:
        assert "worker.started" not in it.names()
        it.process.send_signal(signal.SIGTERM)
        assert it.process.wait(10) == 0
        assert not (tmp_path / "s").exists()


def test_signals_that_mean_nothing_here_are_passed_on_to_nobody(tmp_path: Path) -> None:
    """They were sent to this container, and the worker's has its own."""
    worker = subprocess.Popen([sys.executable, "-c", "import signal, sys; signal.pause()", str(tmp_path)])
    try:
        with sidecar(tmp_path, "--worker-pattern", str(tmp_path)) as it:
            it.until_noted("worker.found")
            it.process.send_signal(signal.SIGUSR1)
            it.process.send_signal(signal.SIGRTMIN + 4)
            until(
                lambda: any("DumpRequested" in line for line in it.lines()), why="what came after it is done"
            )
            assert worker.poll() is None
            it.process.send_signal(signal.SIGTERM)
            it.until_noted("task.draining")
            worker.kill()
            worker.wait()
            assert it.process.wait(10) == 0
    finally:
        worker.kill()
        worker.wait()


def test_as_first_process_it_collects_orphans(tmp_path: Path) -> None:
    """As PID 1 of its container it is given them, and leaves no zombie."""
    with sidecar(tmp_path, before=namespace()) as it:
        enter = ("nsenter", "--target", str(it.inside.pid), "--pid", "--mount")
        as_user = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")
        subprocess.run([*enter, *as_user, sys.executable, "-c", LEAVES_ORPHAN], check=True)
        until(lambda: not it.inside.children(), why="no child is left")
        it.inside.send_signal(signal.SIGRTMIN + 4)
        until(lambda: any("OrphanReaped" in line for line in it.lines()), why="one was collected")
        it.inside.send_signal(signal.SIGTERM)
        assert it.process.wait(10) == 0


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("--stop-worker", "--lease", "0"), 78, ("nobody to stop", "without --early-notice", "--lease")),
        (("--early-notify",), 64, ("is no option", "did you mean --early-notice")),
        (("--", "celery"), 64, ("`celery` is no option",)),
        (("--socket", "/nowhere/at/all"), 78, ("cannot be opened",)),
    ],
)
def test_a_wrong_command_line_is_refused_with_all_that_is_wrong(
    words: tuple[str, ...], status: int, says: tuple[str, ...]
) -> None:
    """Nothing is started, and nobody has to deploy once more for every mistake."""
    done = subprocess.run([*COMMAND, *words], capture_output=True, cwd=ROOT, timeout=20, check=False)
    assert done.returncode == status
    for text in says:
        assert text in done.stderr.decode()


def test_help_is_an_answer() -> None:
    """On standard output, with status 0."""
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, cwd=ROOT, timeout=20, check=True)
    assert done.stdout.startswith(b"Usage: ecs-supervisor sidecar [OPTIONS]")
    assert done.stderr == b""


def test_a_defect_of_ours_ends_the_sidecar_in_the_open(tmp_path: Path) -> None:
    """With 70, a traceback and the journal, and without a socket at which nobody listens: ECS may start it again."""
    program = (
        "from supervisor.core.engine import Engine\n"
        "def fail(*_): raise RuntimeError('on purpose')\n"
        "Engine.foresee = fail\n"
        "from supervisor.cli.sidecar import main\n"
        f"main(['--api', 'none', '--socket', {str(tmp_path / 's')!r}])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, cwd=ROOT, timeout=20, check=False
    )
    assert done.returncode == 70
    said = done.stderr.decode()
    assert "RuntimeError: on purpose" in said
    assert "please report it" in said
    assert '"WorkerSpawned"' in said
    assert not (tmp_path / "s").exists()
