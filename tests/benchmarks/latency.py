"""How long a signal takes to the worker, and the worker's exit to the wrapper's, at rest and while hooks are busy.

Sender, wrapper and worker have one processor between them. A scheduler moves who has used the processor for long to another
one: Python, for its start, and never tini. To wake another processor takes 0.1 ms on a virtual machine, which would be
counted for the one and not for the other.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks.preparation import ACTORS, ENVIRONMENT, Bench, Wrapper
from tests.benchmarks.trial import Trial, trial

# Jobs a second of the busy process; 0 is as many as it can.
RATES = {"at_2000_jobs": 2000, "at_full_speed": 0}

# Between two signals at least so much, and up to twice that, so that nothing falls into step.
_PAUSE_SECONDS = 0.004

# For a busy worker to be in full swing.
_SWING_SECONDS = 0.3

# Sends SIGTERM at once, as for every worker that drains by itself: quiet first would wait for the jobs.
AT_ONCE = ("--stop-sequence", "TERM 25 KILL")


def stop(bench: Bench, wrapper: Wrapper) -> dict[str, float]:
    """Return microseconds for the first SIGTERM of a process at rest, and for the exit after it."""
    with _one_processor(), trial(bench, wrapper, *bench.worker, "serves") as running:
        running.hear("start")
        running.settle()
        return {
            "term_us": latency(running),
            "exit_after_stop_us": running.end_worker(),
        }


def stop_while_busy(bench: Bench, wrapper: Wrapper, load: str) -> dict[str, float]:
    """Return microseconds for the first SIGTERM while a process of the worker begins and ends jobs.

    Beside another wrapper the same process does the same, and only finds nobody to tell.
    """
    socket = str(bench.folder / "busy.sock") if wrapper.is_ours else None
    options = (*AT_ONCE, "--socket", socket) if socket else ()
    with (
        _one_processor() as others,
        trial(bench, wrapper, *bench.worker, "serves", options=options) as running,
    ):
        running.hear("start")
        with _load(bench, RATES[load], socket, others):
            running.hear_nothing(_SWING_SECONDS)
            taken = latency(running)
        running.end_worker()
        return {f"term_{load}_us": taken}


def forward(bench: Bench, wrapper: Wrapper, signals: int) -> list[dict[str, float]]:
    """Return microseconds for each of many forwarded signals, and for the exit of a worker nobody has stopped."""
    with _one_processor(), trial(bench, wrapper, *bench.worker, "serves") as running:
        running.hear("start")
        running.settle()
        taken = [{"usr1_us": latency(running, signal.SIGUSR1, "USR1")} for _ in range(signals)]
        return [*taken, {"exit_us": running.end_worker()}]


def latency(running: Trial, number: int = signal.SIGTERM, word: str = "TERM") -> float:
    """Return the microseconds from the wrapper's signal to the worker's."""
    sent = running.send(number)
    taken = (running.hear(word).at - sent) / 1000
    running.hear_nothing(_PAUSE_SECONDS * random.uniform(1, 2))
    return taken


@contextmanager
def _one_processor() -> Iterator[set[int]]:
    """Keep this process, and all that it starts, on one processor; yield the others, or the only one that there is."""
    all_of_them = os.sched_getaffinity(0)
    # Not the first, which on many machines has the most to do beside.
    one = {max(all_of_them)}
    os.sched_setaffinity(0, one)
    try:
        yield all_of_them - one or one
    finally:
        os.sched_setaffinity(0, all_of_them)


@contextmanager
def _load(bench: Bench, rate: int, socket: str | None, processors: set[int]) -> Iterator[None]:
    """Keep a process of hooks at work meanwhile, on these processors."""
    words = (str(bench.python), "-I", str(ACTORS / "hook_load.py"), str(rate))
    environment = ENVIRONMENT | ({"ECS_SUPERVISOR_SOCKET": socket} if socket else {})
    load = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE)
    os.sched_setaffinity(load.pid, processors)
    assert load.stdout is not None
    with load.stdout:
        try:
            if load.stdout.readline() != b"ready\n":
                raise RuntimeError("the busy process has not begun")
            yield
        finally:
            load.kill()
            load.wait()
