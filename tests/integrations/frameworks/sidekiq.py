"""Sidekiq, which jobs reach as JSON in a Redis list, so that no Ruby is needed to enqueue."""

from __future__ import annotations

import json
import secrets
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.integrations.configuration import APPS, REDIS, Configuration, Job, Setting

QUEUE = "queue:default"


@dataclass(frozen=True, slots=True)
class Sidekiq:
    name: str = "sidekiq-redis"
    broker: str = REDIS
    app: Path = APPS / "sidekiq"
    slots: int = 2
    gates: int = 1
    stop_signal: int = signal.SIGTERM
    options: tuple[str, ...] = ()

    def command(self, setting: Setting) -> Sequence[str]:
        words = ("-r", "./app.rb", "-c", str(self.slots), *self.options)
        return (setting.program("sidekiq"), *words)

    def environ(self, setting: Setting) -> Mapping[str, str]:
        return {"REDIS_URL": setting.broker}

    def enqueue(self, setting: Setting, jobs: Sequence[Job], kind: str = "sample") -> None:
        name = kind[0].upper() + kind[1:]
        payloads = [payload(name, job.name, job.seconds) for job in jobs]
        if payloads:
            with redis.Redis.from_url(setting.broker) as client:
                client.lpush(QUEUE, *payloads)

    def waiting(self, setting: Setting) -> int:
        with redis.Redis.from_url(setting.broker) as client:
            return int(client.llen(QUEUE))

    def left(self, setting: Setting) -> Mapping[str, str]:
        with redis.Redis.from_url(setting.broker) as client:
            queued, retried = client.lrange(QUEUE, 0, -1), client.zrange("retry", 0, -1)
        found = {_name(each): "queue" for each in queued}
        return found | {_name(each): "retry set, back after Sidekiq's delay" for each in retried}


def payload(kind: str, *arguments: object) -> str:
    """Return a job as Sidekiq's own client writes it."""
    now = time.monotonic()
    job = {
        "retry": True,
        "queue": "default",
        "class": kind,
        "args": arguments,
        "jid": secrets.token_hex(12),
        "created_at": now,
        "enqueued_at": now,
    }
    return json.dumps(job)


def _name(job: bytes) -> str:
    return str(json.loads(job)["args"][0])


CONFIGURATIONS: tuple[Configuration, ...] = (Sidekiq(),)
