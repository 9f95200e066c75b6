"""A queue, `sqsd` and a web app as processes of their own, and the words in which tests talk about them."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from supervisor.adapters.sqs.queue import Queue
from supervisor.emulator.agent import Agent
from supervisor.emulator.sqs.server import SqsServer
from tests.process.harness import Run, supervised
from tests.sqs.polling import REGION, attributes, clients, one
from tests.waiting import until

WEB = Path(__file__).parent / "actors" / "web.py"

SECRET = "between web and worker"

# For botocore, and nothing of this machine's.
AWS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_REGION": REGION,
}

# Short polls, so that no test waits long for one.
WAIT_SECONDS = 2
OPTIONS = ("--stop-timeout", "20", "--poll-wait", f"{WAIT_SECONDS}", "--http-path", "/work")


class Web:
    """The app as a process beside `sqsd`. lines: what it has said."""

    def __init__(self, port: int, secret: str = "") -> None:
        words = [sys.executable, "-I", "-S", str(WEB), str(port)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, env={"SECRET": secret})
        self._run = Run(self.process, mark="", is_inside=False)
        self.lines = self._run.output
        until(lambda: self.lines, why="the app listens")

    def end(self) -> None:
        self.process.kill()
        self._run.status()
        assert self.process.stdout is not None
        self.process.stdout.close()


class Stage:
    """queue: the one that is worked on. server: the stand-in, where it is not moto. web: the app, where it is not below `sqsd`."""

    def __init__(self, queue: Queue, server: SqsServer | None, run: Run, port: int, web: Web | None) -> None:
        self.queue = queue
        self._server = server
        self.run = run
        self._port = port
        self.web = web
        self.task_id = ""
        # What `sqsd` was started with, for those who start another one.
        self.words: tuple[str, ...] = ()

    def listen(self, secret: str = "") -> None:
        """Start the app."""
        self.web = Web(self._port, secret)

    @property
    def server(self) -> SqsServer:
        assert self._server is not None
        return self._server

    def send(
        self, job: str, group: str | None = None, attached: dict[str, str] | None = None, **asked: Any
    ) -> None:
        """Send a job. asked: what the app is to do with it (actors/web.py). attached: message attributes."""
        body = json.dumps({"job": job, **asked})
        once = job if self.queue.is_fifo else None
        assert self.queue.send(body, attached or {}, group=group, once=once) is None

    def said(self, key: str) -> list[Any]:
        """Return what the app said under this key."""
        return [told[key] for told in self._told() if key in told]

    def requests(self) -> list[dict[str, Any]]:
        """Return the requests that the app has taken for jobs."""
        return [told for told in self._told() if "began" in told]

    def _told(self) -> list[dict[str, Any]]:
        lines = self.run.output if self.web is None else self.web.lines
        return [json.loads(line) for line in list(lines)]

    def visible(self) -> int:
        return int(attributes(self.queue)["ApproximateNumberOfMessages"])

    def invisible(self) -> int:
        return int(attributes(self.queue)["ApproximateNumberOfMessagesNotVisible"])

    def is_empty(self) -> bool:
        return self.visible() + self.invisible() == 0

    def receives(self) -> int:
        """Receive the one message that is left; return how often it has been received, this once included."""
        return one(self.queue, wait=5).receive_count

    def notes(self, name: str) -> list[dict[str, Any]]:
        return [note for note in self.run.notes if note["event"] == name]

    def until(self, predicate: Any, why: str, limit: float = 15.0) -> None:
        self.run.until(predicate, why, limit)

    def until_began(self, job: str, times: int = 1) -> None:
        self.until(lambda: self.said("began").count(job) >= times, f"the app has begun {job}")

    def until_polling(self) -> None:
        """Wait until a poll waits for messages."""
        self.until(
            lambda: any(call.ended_at is None for call in self.server.calls("ReceiveMessage")),
            "a poll waits for messages",
        )


@contextmanager
def stage(
    *options: str,
    url: str | None = None,
    name: str = "jobs",
    wraps: bool = False,
    listens: bool = True,
    secret: str = "",
    agent: Agent | None = None,
    surroundings: Mapping[str, str] = AWS,
    as_pid_1: bool = False,
    **queue_attributes: str,
) -> Iterator[Stage]:
    """Run all of it. url: of another server than the stand-in. wraps: `sqsd` starts the app. listens: it is there.

    secret: jobs must be signed with it. surroundings: what botocore finds in the environment.
    """
    with SqsServer() as server:
        queue = _queue(url or server.url, name, queue_attributes)
        port = free_port()
        command = (sys.executable, "-I", "-S", str(WEB), str(port)) if wraps else ()
        env = {**surroundings, "SECRET": secret}
        task_id = ""
        if agent is not None:
            with agent.world_lock:
                task_id = agent.world.add_task(agent.now())
            env["ECS_AGENT_URI"] = agent.uri(task_id)
        words = ("--queue-url", queue.url, "--http-port", f"{port}", *OPTIONS, *options)
        web = Web(port, secret) if listens and not wraps else None
        with supervised(*command, options=words, env=env, as_pid_1=as_pid_1, mode="sqsd") as run:
            running = Stage(queue, None if url else server, run, port, web)
            running.task_id, running.words = task_id, words
            try:
                yield running
            finally:
                if running.web is not None:
                    running.web.end()


def signed(body: str) -> dict[str, str]:
    """Return the attributes that a signed job has."""
    digest = hmac.new(SECRET.encode(), body.encode(), hashlib.sha1).hexdigest()
    return {"message-digest": digest, "origin": "AEJ"}


def free_port() -> int:
    """Return a port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


def _queue(url: str, name: str, queue_attributes: dict[str, str]) -> Queue:
    made = clients(url)
    fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    # Each test has its own where one server serves them all.
    unique = f"{uuid4().hex}-{name}"
    created = made.rest.create_queue(QueueName=unique, Attributes=fifo | queue_attributes)
    return Queue(made, created["QueueUrl"])
