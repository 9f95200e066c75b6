"""arq: one process, two jobs at a time."""

from __future__ import annotations

import asyncio
import signal
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from arq import create_pool
from arq.connections import RedisSettings

from tests.integrations.configuration import APPS, REDIS, Configuration, Job, Setting

QUEUE = "arq:queue"


@dataclass(frozen=True, slots=True)
class Arq:
    """settings: the class that the command names."""

    name: str
    settings: str = "tasks.WorkerSettings"
    broker: str = REDIS
    app: Path = APPS / "arq"
    slots: int = 2
    gates: int = 1
    stop_signal: int = signal.SIGTERM

    def command(self, setting: Setting) -> Sequence[str]:
        return (setting.program("arq"), self.settings)

    def environ(self, setting: Setting) -> Mapping[str, str]:
        return {"BROKER": setting.broker, "PYTHONPATH": setting.python_path(self.app)}

    def enqueue(self, setting: Setting, jobs: Sequence[Job]) -> None:
        self.send(setting, *(("work", job.name, job.seconds) for job in jobs))

    def enqueue_call(self, setting: Setting, function: str, name: str) -> None:
        """Put one call into the queue."""
        self.send(setting, (function, name))

    def send(self, setting: Setting, *calls: Sequence[Any], **options: Any) -> None:
        """Put these calls (function, name, arguments) into the queue; a job's id is its name."""

        async def enqueue() -> None:
            pool = await create_pool(RedisSettings.from_dsn(setting.broker))
            for function, name, *arguments in calls:
                await pool.enqueue_job(function, name, *arguments, _job_id=name, **options)
            # Called `close` in the redis-py that the oldest arq needs.
            await getattr(pool, "aclose", pool.close)()

        with warnings.catch_warnings():
            # arq's own: an argument that redis-py no longer wants.
            warnings.simplefilter("ignore", DeprecationWarning)
            asyncio.run(enqueue())

    def abort(self, setting: Setting, name: str) -> None:
        """Ask for the end of a job that runs, as `Job.abort` does."""
        with redis.Redis.from_url(setting.broker) as client:
            client.zadd("arq:abort", {name: 0})

    def waiting(self, setting: Setting) -> int:
        with redis.Redis.from_url(setting.broker) as client:
            running = sum(1 for _ in client.scan_iter("arq:in-progress:*"))
            return int(client.zcard(QUEUE)) - running

    def left(self, setting: Setting) -> Mapping[str, str]:
        with redis.Redis.from_url(setting.broker) as client:
            marked = {key.decode().rpartition(":")[2] for key in client.scan_iter("arq:in-progress:*")}
            names = [each.decode() for each in client.zrange(QUEUE, 0, -1)]
            late = "marked as in progress, back after its job_timeout and 10 s"
            return {name: late if name in marked else "queue" for name in names}


DEFAULT = Arq("arq")
PATIENT = Arq("arq-completion-wait", settings="tasks.PatientSettings")

CONFIGURATIONS: tuple[Configuration, ...] = (DEFAULT,)
# Not in the table of random stops.
ALSO: tuple[Configuration, ...] = (PATIENT,)
