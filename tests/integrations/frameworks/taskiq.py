"""taskiq: two processes, two tasks at a time in each, on a Redis list and on a Redis stream."""

from __future__ import annotations

import json
import signal
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from tests.integrations.configuration import APPS, REDIS, Configuration, Job, Setting

QUEUE = "jobs"
_GROUP = "taskiq"


@dataclass(frozen=True, slots=True)
class Taskiq:
    """kind: list or stream. words: further ones of the command."""

    name: str
    kind: str
    words: tuple[str, ...] = ("--max-async-tasks", "2")
    processes: int = 2
    broker: str = REDIS
    app: Path = APPS / "taskiq"
    stop_signal: int = signal.SIGTERM

    @property
    def slots(self) -> int:
        return self.processes * 2

    @property
    def gates(self) -> int:
        return self.processes

    def command(self, setting: Setting) -> Sequence[str]:
        return (setting.program("taskiq"), "worker", "tasks:broker", "-w", str(self.processes), *self.words)

    def environ(self, setting: Setting) -> Mapping[str, str]:
        return {"BROKER": setting.broker, "KIND": self.kind, "PYTHONPATH": setting.python_path(self.app)}

    def enqueue(self, setting: Setting, jobs: Sequence[Job]) -> None:
        self.send(setting, *(("work", job.name, job.seconds) for job in jobs))

    def enqueue_call(self, setting: Setting, function: str, name: str) -> None:
        """Put one call into the queue."""
        self.send(setting, (function, name))

    def send(self, setting: Setting, *calls: Sequence[Any], **labels: object) -> None:
        """Put these calls (function, name, arguments) into the queue, as taskiq's JSON formatter writes them."""
        with redis.Redis.from_url(setting.broker) as client:
            for function, *arguments in calls:
                text = json.dumps(
                    {
                        "task_id": uuid.uuid4().hex,
                        "task_name": f"tasks:{function}",
                        "labels": labels,
                        "labels_types": None,
                        "args": arguments,
                        "kwargs": {},
                    }
                )
                if self.kind == "list":
                    client.lpush(QUEUE, text)
                else:
                    client.xadd(QUEUE, {"data": text})

    def waiting(self, setting: Setting) -> int:
        with redis.Redis.from_url(setting.broker) as client:
            if self.kind == "list":
                return int(client.llen(QUEUE))
            return len(self._unread(client))

    def left(self, setting: Setting) -> Mapping[str, str]:
        with redis.Redis.from_url(setting.broker) as client:
            if self.kind == "list":
                return {_name(each): "queue" for each in client.lrange(QUEUE, 0, -1)}
            found = {_name(each): "queue" for each in self._unread(client)}
            if client.exists(QUEUE) and client.xinfo_groups(QUEUE):
                for pending in client.xpending_range(QUEUE, _GROUP, "-", "+", 10000):
                    ((_, fields),) = client.xrange(QUEUE, pending["message_id"], pending["message_id"])
                    found[_name(fields[b"data"])] = "pending, back after idle_timeout and a new message"
            return found

    def _unread(self, client: redis.Redis) -> list[bytes]:
        if not client.exists(QUEUE):
            return []
        groups = client.xinfo_groups(QUEUE)
        last = f"({groups[0]['last-delivered-id'].decode()}" if groups else "-"
        return [fields[b"data"] for _, fields in client.xrange(QUEUE, last)]


def _name(text: bytes) -> str:
    return str(json.loads(text)["args"][0])


ON_LIST = Taskiq("taskiq-list", "list")
ON_STREAM = Taskiq("taskiq-stream", "stream")

CONFIGURATIONS: tuple[Configuration, ...] = (ON_LIST, ON_STREAM)
