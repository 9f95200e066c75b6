"""BullMQ, from a folder of Node packages: `npm install --prefix FOLDER bullmq ioredis`, and BULLMQ_MODULES=FOLDER/node_modules."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.integrations.configuration import APPS, REDIS, Configuration, Job, Setting

MODULES = Path(os.environ.get("BULLMQ_MODULES") or "node_modules")
if not (MODULES / "bullmq" / "package.json").exists():
    raise ImportError(
        f"there is no BullMQ in {MODULES}: npm install --prefix FOLDER bullmq ioredis, and BULLMQ_MODULES=FOLDER/node_modules"
    )

_STATES = {
    "wait": "queue",
    "active": "active, back when its lock has expired",
    "delayed": "delayed, back after BullMQ's delay",
}


@dataclass(frozen=True, slots=True)
class BullMQ:
    """script, arguments: which of the sample apps, and how it is to behave."""

    name: str = "bullmq-redis"
    broker: str = REDIS
    app: Path = APPS / "bullmq"
    slots: int = 2
    gates: int = 1
    stop_signal: int = signal.SIGTERM
    script: str = "app.js"
    arguments: tuple[str, ...] = ()

    def command(self, setting: Setting) -> Sequence[str]:
        # Where the packages are is where the script is, for Node; a copy beside them is what a Docker image has.
        for file in self.app.iterdir():
            (setting.folder / file.name).write_bytes(file.read_bytes())
        modules = setting.folder / "node_modules"
        if not modules.exists():
            modules.symlink_to(MODULES)
        return (setting.program("node"), str(setting.folder / self.script), str(self.slots), *self.arguments)

    def environ(self, setting: Setting) -> Mapping[str, str]:
        return {"REDIS_URL": setting.broker}

    def enqueue(self, setting: Setting, jobs: Sequence[Job], kind: str = "sample") -> None:
        added = [(kind, {"name": job.name, "seconds": job.seconds}) for job in jobs]
        self._node(setting, "add", json.dumps(added))

    def waiting(self, setting: Setting) -> int:
        with redis.Redis.from_url(setting.broker) as client:
            return int(client.llen("bull:jobs:wait"))

    def left(self, setting: Setting) -> Mapping[str, str]:
        left = json.loads(self._node(setting, "left", ""))
        return {name: _STATES[state] for name, state in left.items() if state in _STATES}

    def _node(self, setting: Setting, what: str, text: str) -> str:
        environ = {**os.environ, "REDIS_URL": setting.broker, "NODE_PATH": str(MODULES)}
        script = str(self.app / "enqueue.js")
        done = subprocess.run(
            (setting.program("node"), script, what),
            input=text.encode(),
            env=environ,
            capture_output=True,
            timeout=60,
            check=True,
        )
        return done.stdout.decode()


CONFIGURATIONS: tuple[Configuration, ...] = (BullMQ(),)
