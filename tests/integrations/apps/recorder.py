"""Writes down when jobs start and end: one line each, one write each, so that even a killed process leaves whole lines.

It is copied beside the sample apps and imports nothing but the standard library. An app in another language writes the
same line: JSON with `t` (CLOCK_MONOTONIC in seconds), `job`, `what`, `task`, `pid`, `attempt`, to the file $RECORDS,
which is opened for appending.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def record(what: str, job: str, attempt: int = 1, **more: object) -> None:
    """Append a line. what: `start`, `end`, or whatever a test wants to know. more: further facts for it."""
    line = {
        "t": time.monotonic(),
        "job": job,
        "what": what,
        "task": os.environ.get("EMULATOR_TASK", "0"),
        "pid": os.getpid(),
        "attempt": attempt,
        **more,
    }
    # Opened anew, because a descriptor that a fork shares is one more thing to reason about.
    descriptor = os.open(os.environ["RECORDS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, json.dumps(line).encode() + b"\n")
    finally:
        os.close(descriptor)


@contextmanager
def recorded(job: str, attempt: int = 1) -> Iterator[None]:
    """Record a start, and an end where the body was finished; one that an exception cut short has no end."""
    record("start", job, attempt)
    yield
    record("end", job, attempt)


def said_by_python(code: str) -> str:
    """Return what an interpreter of its own prints, run as the commands of jobs are: with the worker's environment."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def record_command(job: str, code: str) -> None:
    """Run such a command as a job, and write down what it has said."""
    with recorded(job):
        record("command", job, said=said_by_python(code))
