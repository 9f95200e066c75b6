"""RQ: its three workers and its pool, each as a user would start it."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from rq import Queue

from tests.integrations.configuration import APPS, REDIS, Configuration, Job, Setting

QUEUE = "jobs"


@dataclass(frozen=True, slots=True)
class Rq:
    """words: what stands after `rq`, in front of the queue's name."""

    name: str
    words: tuple[str, ...]
    slots: int = 1
    broker: str = REDIS
    app: Path = APPS / "rq"
    stop_signal: int = signal.SIGTERM

    @property
    def gates(self) -> int:
        """A pool's main process has none."""
        return self.slots

    def command(self, setting: Setting) -> Sequence[str]:
        return (setting.program("rq"), *self.words, "--url", setting.broker, QUEUE)

    def environ(self, setting: Setting) -> Mapping[str, str]:
        return {"PYTHONPATH": setting.python_path(self.app)}

    def enqueue(self, setting: Setting, jobs: Sequence[Job]) -> None:
        with queue(setting) as waiting:
            for job in jobs:
                waiting.enqueue("tasks.work", job.name, job.seconds, job_id=job.name)

    def enqueue_call(
        self, setting: Setting, function: str, name: str, *arguments: object, **options: Any
    ) -> None:
        """Put one job of the sample app into the queue; its id is its name."""
        with queue(setting) as jobs:
            jobs.enqueue(f"tasks.{function}", name, *arguments, job_id=name, **options)

    def waiting(self, setting: Setting) -> int:
        with queue(setting) as jobs:
            return int(jobs.count)

    def left(self, setting: Setting) -> Mapping[str, str]:
        # What stands in the intermediate list is not here: RQ marks it as failed one day.
        with queue(setting) as jobs:
            later = dict.fromkeys(jobs.scheduled_job_registry.get_job_ids(), "scheduled, back at its time")
            return later | dict.fromkeys(jobs.get_job_ids(), "queue")


@contextmanager
def queue(setting: Setting) -> Iterator[Queue]:
    """Give the queue, with a connection of its own."""
    with redis.Redis.from_url(setting.broker) as connection:
        yield Queue(QUEUE, connection=connection)


FORK = Rq("rq-worker", ("worker",))
SIMPLE = Rq("rq-simple", ("worker", "-w", "rq.worker.SimpleWorker"))
SPAWN = Rq("rq-spawn", ("worker", "-w", "rq.worker.SpawnWorker"))
POOL = Rq("rq-pool", ("worker-pool", "-n", "2"), slots=2)

CONFIGURATIONS: tuple[Configuration, ...] = (FORK, SIMPLE, SPAWN, POOL)
