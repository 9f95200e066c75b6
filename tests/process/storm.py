"""A storm of stop signals, with real-time signals in between, of which the kernel keeps count."""

from __future__ import annotations

import os
import signal
import time

from tests.process.harness import Run
from tests.waiting import until

STOP_TIMEOUT_SECONDS = 7
STOP_STAGE_SECONDS = 4
STORM = ("--stop-timeout", "7", "--exit-margin", "1", "--stop-sequence", "TERM 4 KILL 1")

STORM_SECONDS = 3
SIGNALS_PER_SECOND = 1000

# After so many stop signals come so many for the worker, at once.
EVERY = 100
AT_ONCE = 10


def rage(run: Run) -> None:
    """Send the storm to a supervisor (options: STORM) of a worker that `endures`, and look at what became of it."""
    run.until_output("ready")
    run.until_noted("task.running")
    pid, began, sent, counted = run.pid, time.monotonic(), 0, 0

    def is_over() -> bool:
        nonlocal sent, counted
        elapsed = time.monotonic() - began
        while sent < SIGNALS_PER_SECOND * min(elapsed, STORM_SECONDS):
            os.kill(pid, signal.SIGTERM)
            sent += 1
            if sent % EVERY == 0:
                for _ in range(AT_ONCE):
                    os.kill(pid, signal.SIGRTMIN + 1)
                counted += AT_ONCE
        return elapsed >= STORM_SECONDS

    until(is_over, limit=STORM_SECONDS * 3, why="the storm is over")
    status = run.process.wait(20)
    seconds = time.monotonic() - began
    assert (status, run.status()) == (137, 137)
    assert sent >= SIGNALS_PER_SECOND * STORM_SECONDS
    assert run.output.count("SIGTERM") == 1
    assert run.output.count("RTMIN+1") == counted
    assert run.names().count("task.draining") == 1
    assert STOP_STAGE_SECONDS <= seconds < STOP_TIMEOUT_SECONDS
