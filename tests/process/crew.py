"""Processes of one container that have hooks and no supervisor, each told what to do; none outlives its test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from supervisor.emulator.agent import Agent
from supervisor.hooks import _whereabouts
from tests.process.harness import MARK, ROOT
from tests.rehearsals.stage import asked
from tests.waiting import until

ACTOR = Path(__file__).parent / "actors" / "hook_only.py"

# The longest pause of a client between two attempts to connect, and some time for the machine.
TAKEOVER_SECONDS = 10.0


class Member:
    """One process and what it says."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self.errors: list[str] = []
        for stream, take in (
            (process.stdout, lambda line: self.lines.append(json.loads(line))),
            (process.stderr, lambda line: self.errors.append(line.decode(errors="replace").rstrip("\n"))),
        ):
            threading.Thread(target=_collect, args=(stream, take), daemon=True).start()
        self._is_telling = threading.Lock()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def notes(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.errors if line.startswith("{")]

    def tell(self, words: str) -> dict[str, Any]:
        """Have it do something; return what it says to that."""
        assert self.process.stdin is not None
        before = len(self.lines)
        self.process.stdin.write(f"{words}\n".encode())
        self.process.stdin.flush()
        until(
            lambda: len(self.lines) > before, limit=20, why=f"an answer to {words!r}; stderr: {self.errors}"
        )
        return self.lines[before]

    def end(self, words: str = "exit") -> int:
        """Have it end; return its status."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{words}\n".encode())
        self.process.stdin.flush()
        return self.process.wait(20)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def is_arbiter(self) -> bool:
        return bool(self.tell("look")["arbiter"])

    def sees_protection(self) -> bool:
        return bool(self.tell("look")["protected"])


class Crew:
    """The processes of one container."""

    def __init__(self, agent: Agent, task_id: str, environ: Mapping[str, str]) -> None:
        self.agent = agent
        self.task_id = task_id
        self.mark = uuid.uuid4().hex
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ECS_")},
            "PYTHONPATH": str(ROOT),
            "ECS_AGENT_URI": agent.uri(task_id),
            "ECS_SUPERVISOR_LOG_LEVEL": "info",
            MARK: self.mark,
            **environ,
        }
        self.members: list[Member] = []

    def start(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Member:
        """Start a process and wait until it can be told something."""
        process = subprocess.Popen(
            # Without what is installed beside it: an editable install would find the supervisor wherever the path leads.
            [sys.executable, "-S", str(ACTOR), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={name: value for name, value in (self.environ | dict(environ or {})).items() if value},
        )
        member = Member(process)
        self.members.append(member)
        until(lambda: member.lines, limit=20, why=f"the process is ready; {member.errors}")
        return member

    @property
    def is_protected(self) -> bool:
        return self.agent.is_protected(self.task_id)

    def orders(self) -> list[str]:
        return [asked(call) for call in self.agent.protection_calls(self.task_id)]

    def until(self, predicate: Callable[[], object], why: str, limit: float = TAKEOVER_SECONDS) -> None:
        try:
            until(predicate, limit=limit, why=why)
        except AssertionError as error:
            said = [f"{each.pid}: {each.lines} {each.errors}" for each in self.members]
            raise AssertionError("\n".join((str(error), *said, str(self.orders())))) from None

    def until_protected(self, wanted: bool = True, limit: float = TAKEOVER_SECONDS) -> None:
        self.until(lambda: self.is_protected is wanted, f"protected: {wanted}", limit)

    def arbiters(self) -> list[Member]:
        """Return those that live and say that they are the arbiter."""
        return [each for each in self.members if each.process.poll() is None and each.is_arbiter()]

    def close(self) -> None:
        until(lambda: not self._killed(), limit=10.0, why="all processes of the test are gone")
        for member in self.members:
            member.process.wait()
            for stream in (member.process.stdin, member.process.stdout, member.process.stderr):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()

    def _killed(self) -> list[int]:
        left = [process.pid for process in psutil.process_iter() if _has_mark(process, self.mark)]
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for member in self.members:
            member.process.poll()
        return left


@contextmanager
def crew(agent: Agent, **environ: str) -> Iterator[Crew]:
    """Give a container whose processes have this in their environment beside what ECS sets."""
    with agent.world_lock:
        task_id = agent.world.add_task(agent.now())
    made = Crew(agent, task_id, environ)
    try:
        yield made
    finally:
        made.close()
        forget(agent.uri(task_id))


def forget(agent_uri: str) -> None:
    """Remove what a container's end would have removed with it."""
    shutil.rmtree(_whereabouts.folder_for(agent_uri), ignore_errors=True)


def _collect(stream: Any, take: Callable[[bytes], object]) -> None:
    with suppress(ValueError, OSError):
        for line in stream:
            take(line)


def _has_mark(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False
