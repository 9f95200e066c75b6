"""A real worker, attached by its real door, beside a supervisor that says what the test wants: quiet, resume, silence, refusals."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import supervisor
from supervisor.config.attach import attach
from supervisor.config.doors import Door
from supervisor.config.recognise import recognise
from tests.integrations.configuration import Configuration, Setting
from tests.integrations.records import read_lines
from tests.unit.hooks.fake_supervisor import FakeSupervisor
from tests.waiting import until

FOLDER = str(Path(supervisor.__file__).parent / "attach")
LIMIT_SECONDS = 30.0


@dataclass
class Attached:
    """output: what the worker has printed, lines of both its streams."""

    process: subprocess.Popen[bytes]
    fake: FakeSupervisor
    records: Path
    output: list[str] = field(default_factory=list)

    def started(self) -> list[str]:
        return [line.job for line in read_lines(self.records) if line.what == "start"]

    def ended(self) -> list[str]:
        return [line.job for line in read_lines(self.records) if line.what == "end"]

    def until_started(self, *jobs: str) -> None:
        self.until(lambda: set(jobs) <= set(self.started()), f"{jobs} have started")

    def until_ended(self, *jobs: str) -> None:
        self.until(lambda: set(jobs) <= set(self.ended()), f"{jobs} have ended")

    def until_said(self, op: str, times: int = 1) -> None:
        self.until(lambda: len(self.fake.messages(op)) >= times, f"the hook says {op} {times} times")

    def until(self, predicate: object, why: str) -> None:
        try:
            until(predicate, limit=LIMIT_SECONDS, why=why)  # type: ignore[arg-type]
        except AssertionError as error:
            said = "\n".join(map(str, self.fake.said[-50:]))
            raise AssertionError(f"{error}\n{said}\n" + "\n".join(self.output[-50:])) from None


@contextmanager
def beside_fake(
    configuration: Configuration,
    setting: Setting,
    profile: str,
    fake: FakeSupervisor,
    environ: Mapping[str, str] | None = None,
    stop_seconds: float = 10.0,
) -> Iterator[Attached]:
    """Start the worker with a hook, as `run` would; kill all of it in the end. fake: listens already, or not yet."""
    command = tuple(configuration.command(setting))
    known = {
        **os.environ,
        **configuration.environ(setting),
        **(environ or {}),
        "RECORDS": str(setting.records),
    }
    found = recognise(command, lambda path: Path(path).read_text())
    at, arguments = (found.at, found.arguments) if found and found.name == profile else (-1, len(command))
    attached = attach(profile, Door(command, at, arguments, known, FOLDER, stop_seconds))
    known |= {**attached.environ, "ECS_SUPERVISOR_SOCKET": str(fake.path)}
    process = subprocess.Popen(
        attached.command,
        cwd=configuration.app,
        env=known,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    worker = Attached(process, fake, setting.records)
    reader = threading.Thread(target=_collect, args=(process, worker.output), daemon=True)
    reader.start()
    try:
        yield worker
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join(5)


def _collect(process: subprocess.Popen[bytes], lines: list[str]) -> None:
    assert process.stdout is not None
    with process.stdout as stream:
        lines.extend(line.decode(errors="replace").rstrip("\n") for line in stream)
