"""The demo of `sqsd`: a queue, the daemon and a web app on this machine, through jobs, a failure and a stop.

Everything that is told was seen in this run: by the queue, and in the daemon's log.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.emulator.container import Command, ContainerProcess
from supervisor.emulator.namespaces import HERE
from supervisor.emulator.sqs.server import SqsServer

from .side import command_of, python_path

JOBS = 20
LONG_JOBS = 8
CONNECTIONS = 4

_STOP_SECONDS = 20.0
_LOOK_SECONDS = 0.05

# Nothing here takes longer, unless something is wrong.
_LIMIT_SECONDS = 30.0

# For an emulator any will do.
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "demo",
    "AWS_SECRET_ACCESS_KEY": "demo",
    "AWS_REGION": "eu-west-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


class TooLate(Exception):
    """Something that the story waits for has not happened. The text says what, and what the daemon said."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """done: jobs that have succeeded. finished: of those that were under way at the stop. left: there for other tasks.

    hidden: messages that nobody could receive now. status: of the daemon. seconds: that the stop took.
    """

    done: int
    finished: int
    left: int
    hidden: int
    status: int
    seconds: float

    @property
    def is_as_promised(self) -> bool:
        as_promised = self.done == JOBS and self.finished + self.left == LONG_JOBS
        return as_promised and self.finished >= 1 and self.hidden == self.status == 0


def tell(directory: Path, say: Callable[[str], None], check: Callable[[], None]) -> Outcome:
    """Play the story. say: takes a line for people. check: called often; may raise to end it."""
    with SqsServer() as server:
        server.create_queue("dead")
        dead = server.queue("dead").arn
        redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 10})
        url = server.create_queue("jobs", RedrivePolicy=redrive)
        log = directory / "log"
        with log.open("wb") as output:
            container = ContainerProcess(_command(url), ("EMULATOR_DEMO", url), output, HERE)
        try:
            return _Story(server, url, log, container, say, check).play()
        finally:
            container.kill()


class _Story:
    def __init__(
        self,
        server: SqsServer,
        url: str,
        log: Path,
        container: ContainerProcess,
        say: Callable[[str], None],
        check: Callable[[], None],
    ) -> None:
        self._server = server
        self._url = url
        self._log = log
        self._container = container
        self._say = say
        self._check = check
        self._told = 0

    def play(self) -> Outcome:
        self._say(f"A queue on this machine, {CONNECTIONS} connections, and a web app below the daemon.")
        self._until(lambda: self._count("app.ready"), "the app answers")
        self._say(f"{JOBS} messages are sent; the app will fail one of them once.")
        for number in range(JOBS):
            self._send("fails" if number == JOBS // 2 else "short")
        self._until(lambda: self._count("delivery.done") == JOBS, "all of them are done")
        self._say(f"{LONG_JOBS} long ones are sent, and the task is stopped when the first are under way.")
        for _ in range(LONG_JOBS):
            self._send("long")
        self._until(lambda: self._hidden() == CONNECTIONS, "the first are under way")
        began = time.monotonic()
        self._container.send(signal.SIGTERM)
        self._until(lambda: self._container.exit_code() is not None, "the daemon exits")
        seconds = time.monotonic() - began
        finished = self._count("delivery.done") - JOBS
        left = int(self._attribute("ApproximateNumberOfMessages"))
        return Outcome(JOBS, finished, left, self._hidden(), self._container.exit_code() or 0, seconds)

    def _send(self, kind: str) -> None:
        self._server.perform("SendMessage", QueueUrl=self._url, MessageBody=json.dumps({"kind": kind}))

    def _hidden(self) -> int:
        return int(self._attribute("ApproximateNumberOfMessagesNotVisible"))

    def _attribute(self, name: str) -> str:
        asked = {"QueueUrl": self._url, "AttributeNames": ["All"]}
        return str(self._server.perform("GetQueueAttributes", **asked)["Attributes"][name])

    def _count(self, event: str) -> int:
        return sum(note["event"] == event for note in self._notes())

    def _notes(self) -> Iterator[dict[str, Any]]:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        return (json.loads(line) for line in lines if line.startswith('{"time"') and line.endswith("\n"))

    def _until(self, predicate: Callable[[], object], what: str) -> None:
        deadline, pause = time.monotonic() + _LIMIT_SECONDS, threading.Event()
        while not predicate():
            self._check()
            self._show()
            has_ended = self._container.exit_code() is not None and not predicate()
            if has_ended or time.monotonic() > deadline:
                raise TooLate(f"it does not come that {what}\n{self._log.read_text()}")
            pause.wait(_LOOK_SECONDS)
        self._show()

    def _show(self) -> None:
        """Say what the log has that has not been said."""
        notes = list(self._notes())
        for note in notes[self._told :]:
            if (text := _in_words(note)) is not None:
                self._say(f"  {text}")
        self._told = len(notes)


def _in_words(note: dict[str, Any]) -> str | None:
    message = str(note.get("message", ""))[:8]
    match note["event"]:
        case "delivery.done":
            return f"{message}  answered {note['status']} after {note['seconds']:.2f} s, deleted"
        case "delivery.failed":
            return f"{message}  {note['why']}, comes back in {note['back_in']} s"
        case "task.draining":
            return f"stop: {note['in_flight']} under way, {note['seconds']:g} s for them and the app"
        case "deliveries.handed_back":
            return f"given back, not begun: {len(note['messages'])}"
        case "worker.exited":
            return f"the app has exited with {note['status']}"
        case _:
            return None


def _command(url: str) -> Command:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    options = (
        *("--queue-url", url, "--http-port", f"{port}", "--http-connections", f"{CONNECTIONS}"),
        *("--error-visibility-timeout", "1", "--poll-wait", "1", "--stop-timeout", f"{_STOP_SECONDS:g}"),
        *("--log-format", "json"),
    )
    web = command_of("supervisor.demo.web", f"{port}")
    return Command(
        (*command_of("supervisor", "sqsd"), *options, "--", *web),
        {**_CREDENTIALS, "PYTHONPATH": python_path()},
    )
