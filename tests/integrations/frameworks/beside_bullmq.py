"""BullMQ beside a sidecar, as in beside.py; apart, because it can only be had with BullMQ's packages."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.integrations.configuration import Setting
from tests.integrations.frameworks.beside import APP, DEFINITIONS, LONG_SECONDS, Beside, client
from tests.integrations.frameworks.bullmq import BullMQ


@dataclass(frozen=True, slots=True)
class BesideBullMQ(BullMQ):
    name: str = "bullmq-sidecar"
    attaches: bool = False
    definition: Path = DEFINITIONS / "bullmq-worker"
    client: str = "ecs_supervisor_hold.js"
    long_seconds: tuple[float, float] = LONG_SECONDS

    def command(self, setting: Setting) -> Sequence[str]:
        words = BullMQ.command(self, setting)
        shutil.copy(APP / "app.js", setting.folder / self.script)
        found = Path(client(self, setting))
        if found.parent != setting.folder:
            shutil.copy(found, setting.folder)
        return words

    def left(self, setting: Setting) -> Mapping[str, str]:
        # What was active when its worker went is failed, not repeated: `maxStalledCount`.
        return {job: place for job, place in BullMQ.left(self, setting).items() if "active" not in place}


CONFIGURATIONS: tuple[Beside, ...] = (BesideBullMQ(),)
