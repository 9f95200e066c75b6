"""The worker of the demo, the same program with and without a supervisor: `python -m supervisor.demo.worker QUEUE PID`.

It knows the supervisor by two lines, `gate.open()` and `with job(...)`, which do nothing where there is none. At
SIGTERM it exits at once, as a program without a handler does; with `--finish` it finishes its job first. It also exits
when the demo is over or gone, so that one that was interrupted or killed leaves nobody behind.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from supervisor.demo.queue import HEARTBEAT_SECONDS, Claim, Queue
from supervisor.hooks.job import gate, job

# How often an idle worker looks for work.
POLL_SECONDS = 0.1

# What a shell reports for a program that SIGTERM has ended.
_ENDED_BY_TERM = 128 + signal.SIGTERM


class Worker:
    """One job at a time."""

    def __init__(self, queue: Queue, demo_pid: int, finishes_at_stop: bool) -> None:
        self._queue = queue
        self._demo = Path(f"/proc/{demo_pid}")
        self._finishes_at_stop = finishes_at_stop
        self._told_to_stop = False

    def run(self) -> None:
        """Work until SIGTERM."""
        # A handler of its own, because the kernel keeps SIGTERM from a process 1 that has none.
        signal.signal(signal.SIGTERM, self._stop)
        _say("ready")
        while not self._told_to_stop and not self._is_over():
            claim = self._queue.claim() if gate.open() else None
            if claim is None:
                time.sleep(POLL_SECONDS)
                continue
            with job(claim.job):
                self._work(claim)

    def _is_over(self) -> bool:
        return self._queue.is_closed or not self._demo.exists()

    def _work(self, claim: Claim) -> None:
        _say("start", claim.job)
        deadline = time.monotonic() + claim.seconds
        while (left := deadline - time.monotonic()) > 0:
            if self._is_over():
                sys.exit()
            time.sleep(min(left, HEARTBEAT_SECONDS))
            claim.beat()
        claim.finish()
        _say("end", claim.job)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._told_to_stop = True
        if not self._finishes_at_stop:
            sys.exit(_ENDED_BY_TERM)


def _say(what: str, name: str = "") -> None:
    """Write a line about a job as the emulator reads it."""
    line = {
        "t": time.monotonic(),
        "job": name,
        "what": what,
        "task": os.environ["EMULATOR_TASK"],
        "pid": os.getpid(),
    }
    os.write(1, f"{json.dumps(line)}\n".encode())


if __name__ == "__main__":
    directory, demo_pid, *options = sys.argv[1:]
    Worker(Queue(Path(directory)), int(demo_pid), finishes_at_stop="--finish" in options).run()
