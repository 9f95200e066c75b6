"""Huey: threads and processes, on Redis and on SQLite, each as a user would start it."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huey import RedisHuey, SqliteHuey

from tests.integrations.configuration import APPS, NONE, REDIS, Configuration, Job, Setting

# Nobody has to wait for the next second to be polled.
_WORDS = ("--delay", "0.05", "--max-delay", "0.2")


@dataclass(frozen=True, slots=True)
class Huey:
    """kind: of Huey's workers. broker: REDIS, or NONE for SQLite. instance: the app's Huey object."""

    name: str
    kind: str
    broker: str
    instance: str = "tasks.huey"
    slots: int = 2
    app: Path = APPS / "huey"
    stop_signal: int = signal.SIGINT

    @property
    def gates(self) -> int:
        """Threads share one; each process has its own."""
        return self.slots if self.kind == "process" else 1

    def command(self, setting: Setting) -> Sequence[str]:
        kind = ("-k", self.kind, "-w", str(self.slots))
        return (setting.program("huey_consumer"), self.instance, *kind, *_WORDS)

    def environ(self, setting: Setting) -> Mapping[str, str]:
        return {"BROKER": _place(setting), "PYTHONPATH": setting.python_path(self.app)}

    def enqueue(self, setting: Setting, jobs: Sequence[Job]) -> None:
        with _tasks(setting) as (_, tasks):
            for job in jobs:
                tasks["work"](job.name, job.seconds)

    def enqueue_call(self, setting: Setting, function: str, *arguments: object, **options: Any) -> None:
        """Put one task of the sample app into the queue."""
        with _tasks(setting) as (_, tasks):
            if options:
                tasks[function].schedule(arguments, **options)
            else:
                tasks[function](*arguments)

    def waiting(self, setting: Setting) -> int:
        with _tasks(setting) as (huey, _):
            return int(huey.pending_count())

    def left(self, setting: Setting) -> Mapping[str, str]:
        with _tasks(setting) as (huey, _):
            later = {task.args[0]: "scheduled, back at its time" for task in huey.scheduled()}
            return later | {task.args[0]: "queue" for task in huey.pending()}


def _place(setting: Setting) -> str:
    return setting.broker or str(setting.folder / "huey.db")


@contextmanager
def _tasks(setting: Setting) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Give the app's Huey object and its tasks by name, without importing the app."""
    place = _place(setting)
    huey = RedisHuey("app", url=place) if place.startswith("redis") else SqliteHuey("app", filename=place)

    def body(*_: object) -> None:
        """The consumer runs another one, of this name."""

    body.__module__ = "tasks"
    retries = {"again": 1}
    names = ("work", "fail", "again", "notice", "command")
    try:
        yield huey, {name: huey.task(name=name, retries=retries.get(name, 0))(body) for name in names}
    finally:
        pool = getattr(huey.storage, "pool", None)
        if pool is None:
            huey.storage.close()
        else:
            pool.disconnect()


THREADS = Huey("huey-threads-redis", "thread", REDIS)
PROCESSES = Huey("huey-processes-redis", "process", REDIS)
THREADS_SQLITE = Huey("huey-threads-sqlite", "thread", NONE)
PROCESSES_SQLITE = Huey("huey-processes-sqlite", "process", NONE)

CONFIGURATIONS: tuple[Configuration, ...] = (THREADS, PROCESSES, THREADS_SQLITE, PROCESSES_SQLITE)
