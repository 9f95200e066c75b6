"""A supervisor's hook socket for tests: it records, answers as told, and can hang, go and come back."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

Message = dict[str, Any]

RUNNING: Message = {
    "op": "state",
    "phase": "running",
    "accepting": True,
    "stopping": False,
    "seconds_left": None,
    "protected": True,
}
QUIET: Message = RUNNING | {"phase": "quiet", "accepting": False}
DRAINING: Message = RUNNING | {
    "phase": "draining",
    "accepting": False,
    "stopping": True,
    "seconds_left": 20.0,
}


class FakeSupervisor:
    """Listens from `start` to `stop`; both may be called again and again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # What every new connection hears first; None for a supervisor that says nothing.
        self.greeting: Message | None = RUNNING
        # What a hold that asks gets for an answer; None for no answer.
        self.answer: Callable[[Message], Message | None] = lambda _: None
        # (connection, message) in the order they were read.
        self.said: list[tuple[int, Message]] = []
        # What was sent that is no message.
        self.nonsense: list[bytes] = []
        self._accepted = 0
        self._open: dict[int, dict[str, str]] = {}
        self._sockets: dict[int, socket.socket] = {}
        self._lock = threading.Lock()
        self._attentive = threading.Event()
        self._attentive.set()
        self._never = threading.Event()
        self._slow = False
        self._listener: socket.socket | None = None

    def start(self) -> None:
        """Listen."""
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """Go away: close everything and forget every hold."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
            self.path.unlink()
        self.drop_connections()
        self._attentive.set()

    def drop_connections(self) -> None:
        """Close every connection, and go on listening."""
        for connection in self._sockets.copy().values():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def hang(self) -> None:
        """Read nothing more."""
        self._attentive.clear()

    def slow_down(self) -> None:
        """Read on, a few lines at a time."""
        self._slow = True
        self._attentive.set()

    def wake_up(self) -> None:
        """Read on."""
        self._slow = False
        self._attentive.set()

    def say(self, message: Message) -> None:
        """Tell every holder."""
        self.send(json.dumps(message).encode() + b"\n")

    def send(self, text: bytes) -> None:
        """Send these bytes to every holder."""
        for connection in self._sockets.copy().values():
            with contextlib.suppress(OSError):
                connection.sendall(text)

    @property
    def connections(self) -> int:
        """How many connections stand."""
        return len(self._sockets)

    @property
    def accepted(self) -> int:
        """How many connections there have ever been."""
        return self._accepted

    def open_holds(self) -> list[str]:
        """What every open hold is about, sorted."""
        with self._lock:
            return sorted(about for holds in self._open.values() for about in holds.values())

    def messages(self, op: str) -> list[Message]:
        """Every message of this kind, oldest first."""
        return [message for _, message in self.said.copy() if message["op"] == op]

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._accepted += 1
            threading.Thread(target=self._serve, args=(connection, self._accepted), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection:
            with self._lock:
                self._open[number] = {}
                self._sockets[number] = connection
            with contextlib.suppress(OSError):
                if self.greeting is not None:
                    connection.sendall(json.dumps(self.greeting).encode() + b"\n")
                self._read(connection, number)
            with self._lock:
                del self._open[number]
                del self._sockets[number]

    def _read(self, connection: socket.socket, number: int) -> None:
        rest = b""
        while True:
            self._attentive.wait()
            if self._slow:
                self._never.wait(0.001)
            chunk = connection.recv(128 if self._slow else 4096)
            if not chunk:
                return
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                try:
                    message = json.loads(line)
                except ValueError:
                    self.nonsense.append(line)
                    continue
                self._take(connection, number, message)

    def _take(self, connection: socket.socket, number: int, message: Message) -> None:
        answer: Message | None = None
        with self._lock:
            if message["op"] == "hold":
                self._open[number][message["id"]] = message["about"]
                if message.get("wait"):
                    answer = self.answer(message)
                    if answer is not None and answer["op"] == "refused":
                        del self._open[number][message["id"]]
            elif message["op"] == "release":
                self._open[number].pop(message["id"], None)
            self.said.append((number, message))
        if answer is not None:
            connection.sendall(json.dumps(answer).encode() + b"\n")


def grant(hold: Message) -> Message:
    """Answer that it may begin."""
    return {"op": "granted", "id": hold["id"], "protected": True}


def refuse(hold: Message) -> Message:
    """Answer that it may not."""
    return {"op": "refused", "id": hold["id"], "why": "no protection"}
