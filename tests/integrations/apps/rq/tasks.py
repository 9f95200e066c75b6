"""The sample app for RQ: what a user's module of jobs looks like, with records of what became of each."""

import os
import time

from recorder import record, record_command, recorded


def work(name: str, seconds: float) -> None:
    """Take so long."""
    with recorded(name):
        time.sleep(seconds)


def fail(name: str, seconds: float) -> None:
    """Take so long, and fail."""
    record("start", name)
    time.sleep(seconds)
    record("failed", name)
    raise ValueError(name)


def notice(name: str, limit: float = 60.0) -> None:
    """Go on until the task is on its way out, and write down what was heard of that."""
    from supervisor.hooks.job import seconds_left, wait_stopping

    with recorded(name):
        record("noticed", name, stopping=wait_stopping(limit), seconds_left=seconds_left())


def command(name: str) -> None:
    """Run a command as jobs do, one that itself imports RQ's worker."""
    record_command(name, "import rq.worker as w; print(hasattr(w.Worker.work, '__wrapped__'))")


def parent(name: str, seconds: float) -> None:
    """Write down who the parent of this process is: the worker, where a horse does the job."""
    with recorded(name):
        record("parent", name, parent=os.getppid())
        time.sleep(seconds)
