"""Signals, and a worker's end, at every moment of the start: none is lost, and no worker is left that nobody told."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.process.batch import AT_ONCE
from tests.process.harness import ROOT, Start
from tests.thoroughness import enough
from tests.waiting import until

# `python -I -m supervisor` of an environment that does not have it installed.
AS_MODULE = (
    *(sys.executable, "-I", "-c"),
    f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r}); runpy.run_module('supervisor', run_name='__main__')",
)

# The worker dies of SIGTERM: so does a supervisor that has not come far enough to block it.
WORKER = ("sh", "-c", "echo started; exec sleep 1000")
TOLD_OR_NEVER_STARTED = (128 + signal.SIGTERM, -signal.SIGTERM)

# What is done before our first instruction is not ours to change: whoever starts PID 1 has to block the signal.
BLOCKED = ("env", "--block-signal=TERM")

# Sends itself a signal that is blocked, then becomes what its arguments name: the signal is still there.
PENDING = 'kill -"$0" $$; exec "$@"'


@pytest.mark.soak
@pytest.mark.timeout(120)
def test_check_startup_sigterm(start: Start) -> None:
    """At many instants of the start SIGTERM ends it all: before there is a worker, or by telling the worker."""
    statuses = _interrupted(start, enough(30, 100))
    assert set(statuses) <= set(TOLD_OR_NEVER_STARTED)


@pytest.mark.soak
@pytest.mark.timeout(60)
def test_as_pid_1_no_instant_is_too_early_where_the_signal_is_blocked(start: Start) -> None:
    """Started with SIGTERM blocked, PID 1 loses none either: it ends as if the worker had been told."""
    statuses = _interrupted(start, enough(10, 30), as_pid_1=True, before=BLOCKED)
    assert set(statuses) == {128 + signal.SIGTERM}


@pytest.mark.soak
@pytest.mark.timeout(60)
def test_started_as_a_module_it_loses_no_signal_either(start: Start) -> None:
    """`python -I -m supervisor` blocks signals as early as it can, too."""
    statuses = _interrupted(start, enough(10, 30), entry=AS_MODULE)
    assert set(statuses) <= set(TOLD_OR_NEVER_STARTED)


@pytest.mark.parametrize("name", ["TERM", "INT", "QUIT"])
def test_a_stop_signal_that_was_there_first_starts_nothing(start: Start, name: str, tmp_path: Path) -> None:
    """Who is asked to stop before the worker was started does not start it, says so, and leaves no socket."""
    socket = tmp_path / "hooks.sock"
    with start("echo", "started", before=_pending(name), options=("--socket", str(socket))) as run:
        assert run.status() == 128 + signal.Signals[f"SIG{name}"]
        assert run.output == []
        (line,) = run.errors
        assert "was not started" in line
    assert not socket.exists()


def test_the_status_of_a_worker_that_never_was_can_be_replaced_too(start: Start) -> None:
    """`--remap-exit` holds for every way out."""
    with start("echo", "started", before=_pending("TERM"), options=("--remap-exit", "143=0")) as run:
        assert run.status() == 0
        assert run.output == []


def test_a_signal_for_the_worker_that_was_there_first_is_passed_on(start: Start) -> None:
    """What is meant for the worker waits for it."""
    with start("sleep", "1000", before=_pending("USR1")) as run:
        assert run.status() == 128 + signal.SIGUSR1


@pytest.mark.soak
@pytest.mark.timeout(60)
@pytest.mark.parametrize("as_pid_1", [False, True], ids=["below an init", "as PID 1"])
def test_a_worker_that_ends_at_once_is_never_missed(start: Start, as_pid_1: bool) -> None:
    """The worker may have ended before anybody listens."""
    for _ in range(enough(4, 10)):
        with start("true", as_pid_1=as_pid_1) as run:
            assert run.status() == 0


def _pending(name: str) -> Sequence[str]:
    return ("env", f"--block-signal={name}", "sh", "-c", PENDING, name)


def _interrupted(start: Start, times: int, **words: Any) -> list[int]:
    """Send SIGTERM at random instants of as many starts; return the statuses, having seen that nothing stays."""

    def once(seconds: float) -> int:
        with start(*WORKER, **words) as run:
            if words.get("as_pid_1"):
                until(psutil.Process(run.process.pid).children, why="the namespace has its first process")
            pid = run.pid
            with suppress(subprocess.TimeoutExpired):
                run.process.wait(seconds)
            os.kill(pid, signal.SIGTERM)
            status = run.status()
            assert run.marked() == []
            return status

    began = time.monotonic()
    with start(*WORKER, **words) as run:
        run.until_noted("task.running")
        whole_start_seconds = time.monotonic() - began
    # The same ones every time, so that a failure can be tried again; how far each start has come by then varies.
    chance = random.Random(times)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(once, (chance.uniform(0, whole_start_seconds) for _ in range(times))))
