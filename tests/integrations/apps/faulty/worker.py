"""The plain program with three wrongs, each of which happens in every task: to be found by the judge.

It throws a job away that it has popped, runs one a second time, and begins one although its supervisor has confirmed
the quiet, because it claims a gate that it does not heed.
"""

import os
import signal
import threading
import time

import redis
from recorder import recorded

from supervisor.hooks.job import job, stopping

queue = redis.Redis.from_url(os.environ["BROKER"])


def pop() -> tuple[str, float] | None:
    popped = queue.blpop(["jobs"], timeout=1)
    if popped is None:
        return None
    name, seconds = popped[1].decode().split()
    return name, float(seconds)


def run(name: str, seconds: float) -> None:
    with job(name), recorded(name):
        time.sleep(min(seconds, 0.5))


def late(*_: object) -> None:
    """What is begun at SIGTERM, which comes when all is quiet, is begun too late."""
    # So that it is not a matter of milliseconds, in which the log is stamped.
    time.sleep(0.05)
    with recorded(f"late-{os.environ['EMULATOR_TASK']}"):
        time.sleep(0.05)
    os._exit(0)


signal.signal(signal.SIGTERM, late)
threading.Event().wait(0.1)
popped = pop()
while popped is None:
    popped = pop()
run(*popped)
run(*popped)
pop()
while True:
    if stopping():
        time.sleep(0.02)
    elif (popped := pop()) is not None:
        run(*popped)
