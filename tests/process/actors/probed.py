"""Works as nobody is told of, but can be seen: USR1 begins a job, USR2 ends it. The first argument says how it shows.

title: in its title. forks: in a child for each job, named in its title as RQ does. file, lock, flock: PATH. port: a connection
to PORT. http: PORT answers 200 or 204, and a count of jobs as JSON. burns: processor time.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import socket
import sys
import time

kind, argument = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""


def set_title(text: str) -> None:
    """Write over our own arguments, as Sidekiq and setproctitle do; where they lie is in /proc/self/stat (proc(5))."""
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    begin, end = int(fields[45]), int(fields[46])
    ctypes.memmove(begin, text.encode().ljust(end - begin, b"\0")[: end - begin], end - begin)


class Job:
    child = 0
    file: int | None = None
    connection: socket.socket | None = None

    def begin(self) -> None:
        if kind == "title":
            set_title("worker [1 of 2 busy]")
        elif kind == "forks":
            self.child = os.fork()
            if self.child == 0:
                signal.signal(signal.SIGUSR2, lambda *_: os._exit(0))
                set_title("horse: Processing")
                while True:
                    signal.pause()
            set_title(f"worker: Forked {self.child} at {time.monotonic():.0f}")
        elif kind == "file":
            os.close(os.open(argument, os.O_CREAT | os.O_WRONLY))
        elif kind in ("lock", "flock"):
            self.file = os.open(argument, os.O_CREAT | os.O_RDWR)
            (fcntl.lockf if kind == "lock" else fcntl.flock)(self.file, fcntl.LOCK_EX)
        elif kind == "port":
            self.connection = socket.create_connection(("127.0.0.1", int(argument)))

    def end(self) -> None:
        if kind == "title":
            set_title("worker [0 of 2 busy]")
        elif kind == "forks":
            os.kill(self.child, signal.SIGUSR2)
            os.waitpid(self.child, 0)
        elif kind == "file":
            os.unlink(argument)
        elif self.file is not None:
            os.close(self.file)
        elif self.connection is not None:
            self.connection.close()


def serve(server: socket.socket, jobs: int) -> None:
    connection, _ = server.accept()
    connection.recv(4096)
    wants_json = kind == "json"
    body = json.dumps({"jobs": {"running": jobs}}).encode() if wants_json else b""
    status = b"200 OK" if wants_json or jobs else b"204 No Content"
    connection.sendall(
        b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body), body)
    )
    connection.close()


asked: list[str] = []
signal.signal(signal.SIGUSR1, lambda *_: asked.append("begin"))
signal.signal(signal.SIGUSR2, lambda *_: asked.append("end"))
if kind == "title":
    set_title("worker [0 of 2 busy]")
server: socket.socket | None = None
if kind in ("http", "json"):
    server = socket.create_server(("127.0.0.1", int(argument)))
    server.settimeout(0.02)
print("ready", flush=True)
job, jobs = Job(), 0
while True:
    while asked:
        word = asked.pop(0)
        jobs += 1 if word == "begin" else -1
        (job.begin if word == "begin" else job.end)()
        print(word, flush=True)
    if server is not None:
        with contextlib.suppress(TimeoutError):
            serve(server, jobs)
    elif not (kind == "burns" and jobs):
        signal.sigtimedwait([], 0.02)
