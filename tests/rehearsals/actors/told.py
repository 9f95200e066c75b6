"""A worker that does what it is told on standard input, and answers each line with one of JSON.

    1 begin mail    begins a job and says how long that took and whether the supervisor refused it
    2 end mail      ends it
    3 gate          says whether the gate is open
    4 fork mail     has a child process begin a job, and says its pid
    5 exit          exits with 0

When a stop begins it says so of each of its jobs and ends it, as a worker that hands back would. SIGTERM ends it at once.
"""

import json
import os
import signal
import sys
import threading
import time

from supervisor.hooks.job import Job, gate, job, wait_stopping

open_jobs: dict[str, Job] = {}


def say(**facts: object) -> None:
    # One write, because two threads speak.
    os.write(1, json.dumps(facts).encode() + b"\n")


def begin(about: str) -> dict[str, object]:
    asked = time.monotonic()
    begun = open_jobs[about] = job(about).begin()
    at = time.monotonic()
    return {"took": at - asked, "at": at, "protected": begun.protected, "why": begun.why}


def end(about: str) -> dict[str, object]:
    asked = time.monotonic()
    open_jobs.pop(about).end()
    return {"took": time.monotonic() - asked}


def fork(about: str) -> dict[str, object]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with job(about):
            os.write(writing, b"x")
            signal.pause()
    os.read(reading, 1)
    return {"pid": child}


def end_all_when_stopping() -> None:
    while not wait_stopping(3600.0):
        pass
    for about in tuple(open_jobs):
        # Said first: nothing that is in flight keeps the stop signal away from here afterwards.
        say(handing_back=about)
        end(about)


def main() -> None:
    # The child is not waited for: like any pool's, its end is its parent's business, and not this test's.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    threading.Thread(target=end_all_when_stopping, daemon=True).start()
    say(ready=os.getpid())
    for line in sys.stdin:
        match line.split():
            case [number, "begin", about]:
                say(to=number, **begin(about))
            case [number, "end", about]:
                say(to=number, **end(about))
            case [number, "gate"]:
                say(to=number, open=gate.open())
            case [number, "fork", about]:
                say(to=number, **fork(about))
            case [number, "exit"]:
                say(to=number)
                return


main()
