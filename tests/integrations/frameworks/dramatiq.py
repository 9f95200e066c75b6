"""Dramatiq: two processes with two threads each, on Redis and on RabbitMQ."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika
import redis
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.message import Message

from tests.integrations.configuration import APPS, RABBITMQ, REDIS, Configuration, Job, Setting

QUEUE = "jobs"
_KEY = f"dramatiq:{QUEUE}"


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

    @property
    def slots(self) -> int:
        return self.processes * self.threads

    def command(self, setting: Setting) -> Sequence[str]:
        sizes = ("-p", str(self.processes), "-t", str(self.threads))
        return (setting.program("dramatiq"), self.module, *sizes, "-Q", QUEUE, *self.words)

    def environ(self, setting: Setting) -> Mapping[str, str]:
        return {"BROKER": _url(setting), "PYTHONPATH": setting.python_path(self.app)}

    def enqueue(self, setting: Setting, jobs: Sequence[Job]) -> None:
        if self.broker == REDIS:
            self.send(setting, *(("work", job.name, job.seconds) for job in jobs))
            return
        broker = RabbitmqBroker(url=_url(setting))
        broker.declare_queue(QUEUE, ensure=True)
        for job in jobs:
            broker.enqueue(_message("work", job.name, job.seconds))
        broker.close()

    def send(self, setting: Setting, *calls: Sequence[Any], delay: int | None = None) -> None:
        """Put these calls (function, name, arguments) into the Redis queue. delay: in milliseconds."""
        broker = RedisBroker(url=setting.broker)
        for function, *arguments in calls:
            broker.enqueue(_message(function, *arguments), delay=delay)
        broker.close()

    def waiting(self, setting: Setting) -> int:
        if self.broker == REDIS:
            with redis.Redis.from_url(setting.broker) as client:
                return int(client.llen(_KEY))
        with pika.BlockingConnection(pika.URLParameters(_url(setting))) as connection:
            try:
                found = connection.channel().queue_declare(QUEUE, passive=True)
            except pika.exceptions.ChannelClosedByBroker:
                return 0  # nobody has declared it yet
            return int(found.method.message_count)

    def left(self, setting: Setting) -> Mapping[str, str]:
        return self._left_in_redis(setting) if self.broker == REDIS else self._left_in_rabbitmq(setting)

    def _left_in_redis(self, setting: Setting) -> Mapping[str, str]:
        with redis.Redis.from_url(setting.broker) as client:
            ready = set(client.lrange(_KEY, 0, -1))
            found = {}
            for id_, text in client.hgetall(f"{_KEY}.msgs").items():
                found[_name(text)] = "queue" if id_ in ready else "unacked, back after the heartbeat timeout"
            for text in client.hvals(f"{_KEY}.DQ.msgs"):
                found[_name(text)] = "delayed, back at its time"
            return found

    def _left_in_rabbitmq(self, setting: Setting) -> Mapping[str, str]:
        found = {}
        with pika.BlockingConnection(pika.URLParameters(_url(setting))) as connection:
            channel = connection.channel()
            while (got := channel.basic_get(QUEUE, auto_ack=True))[0] is not None:
                found[_name(got[2])] = "queue"
        return found


def _url(setting: Setting) -> str:
    # pika takes the double slash at the end for a virtual host without a name.
    return setting.broker.removesuffix("//") + "/%2F" if setting.broker.startswith("amqp") else setting.broker


def _message(function: str, *arguments: object) -> Message[Any]:
    # Made by hand: importing the app would set its broker for this process.
    return Message(
        queue_name=QUEUE,
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
