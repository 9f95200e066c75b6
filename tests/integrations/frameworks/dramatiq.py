"""Dramatiq: two processes with two threads each, on Redis and on RabbitMQ."""

from __future__ import annotations

import json
import signal
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika
import redis
from dramatiq import Broker
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.message import Message

from tests.integrations.configuration import APPS, RABBITMQ, REDIS, Configuration, Job, Setting


@dataclass(frozen=True, slots=True)
class Dramatiq:
    """processes, threads: of the worker. words: further ones of its command. module: the one with the broker."""

    name: str
    broker: str = REDIS
    processes: int = 2
    threads: int = 2
    words: tuple[str, ...] = ()
    module: str = "tasks"
    app: Path = APPS / "dramatiq"
    stop_signal: int = signal.SIGTERM

    @property
    def slots(self) -> int:
        return self.processes * self.threads

    @property
    def gates(self) -> int:
        return self.processes

    def command(self, setting: Setting) -> Sequence[str]:
        sizes = ("-p", str(self.processes), "-t", str(self.threads))
        return (setting.program("dramatiq"), self.module, *sizes, "-Q", setting.queue, *self.words)

    def environ(self, setting: Setting) -> Mapping[str, str]:
        return {
            "BROKER": _url(setting),
            "QUEUE": setting.queue,
            "PYTHONPATH": setting.python_path(self.app),
        }

    def enqueue(self, setting: Setting, jobs: Sequence[Job]) -> None:
        self.send(setting, *(("work", job.name, job.seconds) for job in jobs))

    def enqueue_call(self, setting: Setting, function: str, name: str) -> None:
        """Put one call into the queue."""
        self.send(setting, (function, name))

    def send(self, setting: Setting, *calls: Sequence[Any], delay: int | None = None) -> None:
        """Put these calls (function, name, arguments) into the queue. delay: in milliseconds, of Redis alone."""
        with self._reached(setting) as broker:
            for function, *arguments in calls:
                broker.enqueue(_message(setting.queue, function, *arguments), delay=delay)

    @contextmanager
    def _reached(self, setting: Setting) -> Iterator[Broker]:
        if self.broker == REDIS:
            # Its own client's connections a broker of Dramatiq 1 leaves open.
            with redis.Redis.from_url(setting.broker) as client:
                yield RedisBroker(client=client)
        else:
            broker = RabbitmqBroker(url=_url(setting))
            broker.declare_queue(setting.queue, ensure=True)
            yield broker
            broker.close()

    def waiting(self, setting: Setting) -> int:
        if self.broker == REDIS:
            with redis.Redis.from_url(setting.broker) as client:
                return int(client.llen(f"dramatiq:{setting.queue}"))
        with pika.BlockingConnection(pika.URLParameters(_url(setting))) as connection:
            try:
                found = connection.channel().queue_declare(setting.queue, passive=True)
            except pika.exceptions.ChannelClosedByBroker:
                return 0  # nobody has declared it yet
            return int(found.method.message_count)

    def left(self, setting: Setting) -> Mapping[str, str]:
        return self._left_in_redis(setting) if self.broker == REDIS else self._left_in_rabbitmq(setting)

    def _left_in_redis(self, setting: Setting) -> Mapping[str, str]:
        with redis.Redis.from_url(setting.broker) as client:
            key = f"dramatiq:{setting.queue}"
            ready = set(client.lrange(key, 0, -1))
            found = {}
            for id_, text in client.hgetall(f"{key}.msgs").items():
                found[_name(text)] = "queue" if id_ in ready else "unacked, back after the heartbeat timeout"
            for text in client.hvals(f"{key}.DQ.msgs"):
                found[_name(text)] = "delayed, back at its time"
            return found

    def _left_in_rabbitmq(self, setting: Setting) -> Mapping[str, str]:
        found = {}
        with pika.BlockingConnection(pika.URLParameters(_url(setting))) as connection:
            channel = connection.channel()
            while (got := channel.basic_get(setting.queue, auto_ack=True))[0] is not None:
                found[_name(got[2])] = "queue"
        return found


def _url(setting: Setting) -> str:
    # pika takes the double slash at the end for a virtual host without a name.
    return setting.broker.removesuffix("//") + "/%2F" if setting.broker.startswith("amqp") else setting.broker


def _message(queue: str, function: str, *arguments: object) -> Message[Any]:
    # Made by hand: importing the app would set its broker for this process.
    return Message(
        queue_name=queue,
        actor_name=function,
        args=arguments,
        kwargs={},
        options={},
        message_id=str(uuid.uuid4()),
        message_timestamp=int(time.time() * 1000),
    )


def _name(text: bytes) -> str:
    return str(json.loads(text)["args"][0])


ON_REDIS = Dramatiq("dramatiq-redis")
ON_RABBITMQ = Dramatiq("dramatiq-rabbitmq", broker=RABBITMQ)

CONFIGURATIONS: tuple[Configuration, ...] = (ON_REDIS, ON_RABBITMQ)
