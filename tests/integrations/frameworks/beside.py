"""Workers that speak for themselves over HTTP, with the clients of task-definitions/, beside a sidecar in a container of its own.

The jobs are such as must not run twice, so nobody gives back what was taken: a directory, Sidekiq's own lists, and BullMQ
without a second attempt for a job whose worker has gone.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.integrations.configuration import APPS, NONE, Configuration, Job, Setting
from tests.integrations.frameworks.sidekiq import Sidekiq
from tests.process.harness import ROOT

DEFINITIONS = ROOT / "task-definitions"
APP = APPS / "snippets"

# Some of them longer than the worker's own stop timeout, and none longer than the sidecar's: containers.py.
LONG_SECONDS = (3.0, 9.0)


class Beside(Configuration, Protocol):
    """client: what a user copies, out of the folder of its task definition."""

    @property
    def definition(self) -> Path: ...
    @property
    def client(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Shell:
    """Takes its jobs from a directory."""

    name: str = "shell-sidecar"
    broker: str = NONE
    app: Path = APP
    slots: int = 1
    attaches: bool = False
    holds: bool = True
    definition: Path = DEFINITIONS / "shell-worker"
    client: str = "ecs_supervisor.sh"
    long_seconds: tuple[float, float] = LONG_SECONDS

    def command(self, setting: Setting) -> Sequence[str]:
        return (setting.program("sh"), "worker.sh", client(self, setting))

    def environ(self, setting: Setting) -> Mapping[str, str]:
        return {"QUEUE": str(queue(setting))}

    def enqueue(self, setting: Setting, jobs: Sequence[Job]) -> None:
        for job in jobs:
            # Whole from the instant when it is there.
            new = setting.folder / "new"
            new.write_text(f"{job.seconds}")
            new.rename(queue(setting) / "waiting" / job.name)

    def waiting(self, setting: Setting) -> int:
        return sum(1 for _ in (queue(setting) / "waiting").iterdir())

    def left(self, setting: Setting) -> Mapping[str, str]:
        return {job.name: "queue" for job in (queue(setting) / "waiting").iterdir()}


@dataclass(frozen=True, slots=True)
class Php(Shell):
    name: str = "php-sidecar"
    definition: Path = DEFINITIONS / "php-worker"
    client: str = "EcsSupervisor.php"

    def command(self, setting: Setting) -> Sequence[str]:
        return (setting.program("php"), "worker.php", client(self, setting))


@dataclass(frozen=True, slots=True)
class Go(Shell):
    name: str = "go-sidecar"
    slots: int = 2
    definition: Path = DEFINITIONS / "go-worker"
    client: str = "ecs_supervisor.go"

    def command(self, setting: Setting) -> Sequence[str]:
        # A package is one folder.
        package = setting.folder / "package"
        package.mkdir(exist_ok=True)
        for file in (client(self, setting), APP / "worker.go"):
            shutil.copy(file, package)
        built = package / "worker"
        words = (setting.program("go"), "build", "-o", str(built), self.client, "worker.go")
        subprocess.run(words, check=True, timeout=120, cwd=package)
        return (str(built),)


@dataclass(frozen=True, slots=True)
class BesideSidekiq(Sidekiq):
    name: str = "sidekiq-sidecar"
    app: Path = APP
    attaches: bool = False
    definition: Path = DEFINITIONS / "sidekiq-worker"
    client: str = "ecs_supervisor_hold.rb"
    long_seconds: tuple[float, float] = LONG_SECONDS

    def environ(self, setting: Setting) -> Mapping[str, str]:
        return {"REDIS_URL": setting.broker, "CLIENT": client(self, setting)}


def client(configuration: Beside, setting: Setting) -> str:
    """Return where the client is. A test may have put one with other times there."""
    own = setting.folder / configuration.client
    return str(own if own.exists() else configuration.definition / configuration.client)


def queue(setting: Setting) -> Path:
    """Return the directory with the jobs, made where it is not there yet."""
    found = setting.folder / "queue"
    for place in ("waiting", "taken"):
        (found / place).mkdir(parents=True, exist_ok=True)
    return found


CONFIGURATIONS: tuple[Beside, ...] = (Shell(), Php(), Go(), BesideSidekiq())
