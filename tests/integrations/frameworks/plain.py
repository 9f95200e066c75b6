"""A program without a framework, hooked by hand: what the harness was built with, and what it is tested with."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.integrations.configuration import APPS, REDIS, Configuration, Job, Setting
from tests.process.harness import ROOT


@dataclass(frozen=True, slots=True)
class Plain:
    name: str = "plain"
    broker: str = REDIS
    app: Path = APPS / "plain"
    slots: int = 2
    # Its hooks are in the program, and do not introduce themselves.
    attaches: bool = False

    def command(self, setting: Setting) -> Sequence[str]:
        return (sys.executable, "worker.py", str(self.slots))

    def environ(self, setting: Setting) -> Mapping[str, str]:
        # The only one that imports the hooks itself.
        return {"BROKER": setting.broker, "PYTHONPATH": setting.python_path(ROOT)}

    def enqueue(self, setting: Setting, jobs: Sequence[Job]) -> None:
        with redis.Redis.from_url(setting.broker) as client:
            client.rpush("jobs", *(f"{job.name} {job.seconds}" for job in jobs))

    def waiting(self, setting: Setting) -> int:
        with redis.Redis.from_url(setting.broker) as client:
            return int(client.llen("jobs"))

    def left(self, setting: Setting) -> Mapping[str, str]:
        with redis.Redis.from_url(setting.broker) as client:
            return {each.decode().split()[0]: "queue" for each in client.lrange("jobs", 0, -1)}


CONFIGURATIONS: tuple[Configuration, ...] = (Plain(),)
