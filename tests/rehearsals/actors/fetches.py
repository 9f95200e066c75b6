"""A worker with threads that fetch jobs from a directory all tasks of the service share, while the gate is open.

A job is a file, named after its number and its seconds; whoever renames it has got it. Job and gate records go to
EMULATOR_DIRECTORY. At SIGTERM it takes no further job, finishes what it has, and exits with 0.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from supervisor.hooks.job import gate, job

queue = Path(sys.argv[1])
stopped = threading.Event()
records = os.open(
    Path(os.environ["EMULATOR_DIRECTORY"]) / f"jobs-{os.environ['EMULATOR_TASK']}.jsonl",
    os.O_WRONLY | os.O_CREAT | os.O_APPEND,
)


def note(name: str, what: str) -> None:
    record = {
        "t": time.monotonic(),
        "job": name,
        "what": what,
        "task": os.environ["EMULATOR_TASK"],
        "pid": os.getpid(),
    }
    os.write(records, json.dumps(record).encode() + b"\n")


def claim() -> str | None:
    for file in sorted(queue.glob("waiting/*")):
        try:
            file.rename(queue / "taken" / file.name)
        except FileNotFoundError:
            continue  # another task was first
        return file.name
    return None


def fetch() -> None:
    while not stopped.is_set():
        if not gate.wait_open(0.2):
            continue
        name = claim()
        if name is None:
            stopped.wait(0.05)
            continue
        with job(name):
            note(name, "start")
            threading.Event().wait(float(name.split("-")[1]))
            note(name, "end")


def watch_gate() -> None:
    was_open = False
    while not stopped.wait(0.01):
        if gate.open() != was_open:
            was_open = not was_open
            note("gate", "opened" if was_open else "shut")


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    fetching = [threading.Thread(target=fetch) for _ in range(int(sys.argv[2]))]
    watching = threading.Thread(target=watch_gate)
    for thread in (*fetching, watching):
        thread.start()
    stopped.wait()
    for thread in fetching:
        thread.join()


main()
