"""Celery: prefork, threads and solo, on Redis and on RabbitMQ, each as a user would start it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import celery

from tests.integrations.brokers import redis_call
from tests.integrations.configuration import APPS, RABBITMQ, REDIS, Configuration, Job, Setting


@dataclass(frozen=True, slots=True)
class Celery:
    """pool: of the worker. settings: of the app, beside its own."""

    name: str
    pool: str
    broker: str
    slots: int = 2
    settings: tuple[tuple[str, object], ...] = ()
    app: Path = APPS / "celery"
    gates: int = 1
    stop_signal: int = signal.SIGTERM

    def command(self, setting: Setting) -> Sequence[str]:
        words = ("-A", "tasks", "worker", "-P", self.pool, "-c", str(self.slots), "-l", "INFO")
        return (setting.program("celery"), *words)

    def environ(self, setting: Setting) -> Mapping[str, str]:
        return {
            "BROKER": setting.broker,
            "QUEUE": setting.queue,
            "SETTINGS": repr(dict(self.settings)),
            "PYTHONPATH": setting.python_path(self.app),
        }

    def enqueue(self, setting: Setting, jobs: Sequence[Job]) -> None:
        with client(setting) as app:
            for job in jobs:
                app.send_task("tasks.work", (job.name, job.seconds), task_id=job.name)

    def enqueue_call(
        self, setting: Setting, function: str, name: str, *arguments: object, **options: Any
    ) -> None:
        """Put one task of the sample app into the queue; its id is its name."""
        with client(setting) as app:
            app.send_task(f"tasks.{function}", (name, *arguments), task_id=name, **options)

    def waiting(self, setting: Setting) -> int:
        if self.broker == REDIS:
            return int(redis_call(setting.broker, "LLEN", setting.queue))
        with client(setting) as app, app.connection_for_write() as connection:
            return int(
                connection.default_channel.queue_declare(
                    setting.queue, durable=True, auto_delete=False
                ).message_count
            )

    def left(self, setting: Setting) -> Mapping[str, str]:
        found: dict[str, str] = {}
        with client(setting) as app, app.connection_for_write() as connection:
            channel = connection.default_channel
            channel.queue_declare(setting.queue, durable=True, auto_delete=False)
            if self.broker == REDIS:
                for raw in channel.client.hvals("unacked"):
                    message, exchange, _ = json.loads(raw)
                    if exchange == setting.queue:
                        found[message["headers"]["id"]] = "unacked, back after the visibility timeout"
            while (message := channel.basic_get(setting.queue, no_ack=True)) is not None:
                found[message.headers["id"]] = "queue"
        return found


@contextmanager
def client(setting: Setting) -> Iterator[Any]:
    """Give a Celery app that only sends."""
    app = celery.Celery("tasks", broker=setting.broker, set_as_current=False)
    app.conf.task_default_queue = setting.queue
    try:
        yield app
    finally:
        app.close()


PREFORK = Celery("celery-prefork-redis", "prefork", REDIS)
THREADS = Celery("celery-threads-redis", "threads", REDIS)
SOLO = Celery("celery-solo-redis", "solo", REDIS, slots=1)
PREFORK_RABBITMQ = Celery("celery-prefork-rabbitmq", "prefork", RABBITMQ)
THREADS_RABBITMQ = Celery("celery-threads-rabbitmq", "threads", RABBITMQ)
SOLO_RABBITMQ = Celery("celery-solo-rabbitmq", "solo", RABBITMQ, slots=1)

CONFIGURATIONS: tuple[Configuration, ...] = (
    PREFORK,
    THREADS,
    SOLO,
    PREFORK_RABBITMQ,
    THREADS_RABBITMQ,
    SOLO_RABBITMQ,
)
