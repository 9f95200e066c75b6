"""A worker that knows HTTP and nothing of the hooks: it takes jobs from a directory while the API says that work is welcome.

At SIGTERM it takes no further job and finishes what it has.
"""

import http.client
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

queue = Path(sys.argv[1])
api = os.environ["ECS_SUPERVISOR_API"].removeprefix("unix:")
stopped = threading.Event()
records = os.open(
    Path(os.environ["EMULATOR_DIRECTORY"]) / f"jobs-{os.environ['EMULATOR_TASK']}.jsonl",
    os.O_WRONLY | os.O_CREAT | os.O_APPEND,
)


class Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(api)


def ask(method: str, path: str, body: object = None) -> int:
    """Return the status; 0 where nobody answers, as curl has it."""
    connection = Connection("localhost")
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def note(name: str, what: str) -> None:
    record = {
        "t": time.monotonic(),
        "job": name,
        "what": what,
        "task": os.environ["EMULATOR_TASK"],
        "pid": os.getpid(),
    }
    os.write(records, json.dumps(record).encode() + b"\n")


def work(name: str) -> None:
    if ask("PUT", f"/v1/holds/{name}", {"about": name, "ttl": 600}) not in (200, 201):
        (queue / "taken" / name).rename(queue / "waiting" / name)
        return
    note(name, "start")
    threading.Event().wait(float(name.split("-")[1]))
    note(name, "end")
    ask("DELETE", f"/v1/holds/{name}")


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    while not stopped.is_set():
        waiting = sorted(queue.glob("waiting/*"))
        if not waiting or ask("GET", "/v1/accepting") != 200:
            stopped.wait(0.05)
            continue
        waiting[0].rename(queue / "taken" / waiting[0].name)
        work(waiting[0].name)


main()
