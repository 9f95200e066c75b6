"""A worker attached by its real door, under a supervisor that says what a test wants: quiet, resume, silence, refusals.

What a hook does at its gate hangs on the moment; with the real supervisor the moment is not ours to choose.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

import supervisor as package
from supervisor.config.attach import attach
from supervisor.config.doors import Door
from supervisor.config.recognise import recognise
from tests.integrations.configuration import Configuration, Setting
from tests.integrations.records import Line, read_lines
from tests.unit.hooks.fake_supervisor import DRAINING, QUIET, RUNNING, FakeSupervisor
from tests.waiting import until

LIMIT_SECONDS = 30.0

_ATTACH = str(Path(package.__file__).parent / "attach")


class Hooked:
    """supervisor: what it was told, and what it says. process: the worker's main process."""

    def __init__(
        self, supervisor: FakeSupervisor, process: subprocess.Popen[bytes], setting: Setting, log: Path
    ) -> None:
        self.supervisor = supervisor
        self.process = process
        self._setting = setting
        self._log = log

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def warnings(self) -> list[str]:
        """Return what the hook has told people."""
        return [line for line in self.output.splitlines() if line.startswith("ecs-supervisor:")]

    def lines(self, *whats: str) -> list[Line]:
        """Return what the jobs have recorded, in that order."""
        return [line for line in read_lines(self._setting.records) if not whats or line.what in whats]

    def jobs(self, what: str) -> list[str]:
        return [line.job for line in self.lines(what)]

    def until_started(self, *jobs: str) -> None:
        self.until(lambda: set(jobs) <= set(self.jobs("start")), f"{jobs} have started")

    def until_ended(self, *jobs: str) -> None:
        self.until(lambda: set(jobs) <= set(self.jobs("end")), f"{jobs} have ended")

    def said(self, op: str) -> list[dict[str, Any]]:
        return self.supervisor.messages(op)

    def until_said(self, op: str, times: int = 1) -> None:
        self.until(lambda: len(self.said(op)) >= times, f"the hook says {op} {times} times")

    def until_nothing_held(self) -> None:
        self.until(lambda: self.supervisor.open_holds() == [], "nothing is held")

    def gates(self) -> dict[int, str]:
        """Return how the gate of each process stands that has one: the connection's number -> `open` or `shut`."""
        gates: dict[int, str] = {}
        for number, message in self.supervisor.said.copy():
            match message["op"]:
                case "hello" if message.get("gate"):
                    gates.setdefault(number, "open")
                case "shut" | "opened" as word if number in gates:
                    gates[number] = "open" if word == "opened" else word
                case _:
                    pass
        return gates

    def quiet(self) -> None:
        """Say that no new work is wanted, and wait until every gate has been confirmed shut."""
        # Who connects from now on hears the same.
        self.supervisor.greeting = QUIET
        self.supervisor.say(QUIET)
        self.until_gates("shut", len(self.gates()))

    def drain(self) -> None:
        self.supervisor.greeting = DRAINING
        self.supervisor.say(DRAINING)

    def resume(self) -> None:
        self.supervisor.greeting = RUNNING
        self.supervisor.say(RUNNING)

    def until(self, predicate: Any, why: str) -> None:
        """Wait for a fact; tell what was printed when it does not come."""
        try:
            until(predicate, limit=LIMIT_SECONDS, why=why)
        except AssertionError as error:
            said = "\n".join(map(str, self.supervisor.said[-100:]))
            raise AssertionError(f"{error}\n{self.output}\n{said}\n{self.lines()}") from None

    def until_attached(self, gates: int = 1) -> None:
        self.until(lambda: len(self.gates()) >= gates, f"{gates} gates are known")

    def until_gates(self, standing: str, count: int = 1) -> None:
        self.until(lambda: list(self.gates().values()) == [standing] * count, f"{count} gates are {standing}")

    def status(self) -> int:
        """Wait for the worker's end."""
        self.until(lambda: self.process.poll() is not None, "the worker has ended")
        return self.process.returncode

    def others(self) -> list[psutil.Process]:
        """Return the other processes of the worker; those that have lost their parent too."""
        return [each for each in _session(self.process.pid) if each.pid != self.process.pid]


@contextmanager
def hooked(
    configuration: Configuration,
    setting: Setting,
    supervisor: FakeSupervisor,
    *more: str,
    environ: Mapping[str, str] | None = None,
    stop_seconds: float = 10.0,
) -> Iterator[Hooked]:
    """Run a worker as `run` would start it. more: further words of its command. Nothing of it outlives the test."""
    command = (*configuration.command(setting), *more)
    known = {
        **os.environ,
        **configuration.environ(setting),
        **(environ or {}),
        "RECORDS": str(setting.records),
        "PYTHONUNBUFFERED": "1",
    }
    profile = configuration.name.partition("-")[0]
    found = recognise(command, lambda path: Path(path).read_text())
    at, arguments = (found.at, found.arguments) if found and found.name == profile else (-1, len(command))
    attached = attach(profile, Door(command, at, arguments, known, _ATTACH, stop_seconds))
    log = setting.folder / "log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            attached.command,
            cwd=configuration.app,
            env={**known, **attached.environ, "ECS_SUPERVISOR_SOCKET": str(supervisor.path)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield Hooked(supervisor, process, setting, log)
    finally:
        # A process that is not quite dead still waits in Redis, and takes a job of the next test with it.
        until(lambda: not _killed(process.pid), limit=LIMIT_SECONDS, why="all processes of the test are gone")
        process.wait()


def _killed(number: int) -> list[psutil.Process]:
    """Kill what lives of a session; return it."""
    found = _session(number)
    for each in found:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    return found


def _session(number: int) -> list[psutil.Process]:
    """Return the living processes of a session: an RQ horse has left its group, but not its session."""
    found = []
    for each in psutil.process_iter():
        try:
            if os.getsid(each.pid) == number and each.status() != psutil.STATUS_ZOMBIE:
                found.append(each)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found
