"""One supervised worker as a task of the emulated ECS, and the words in which tests talk to it."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from supervisor.emulator.agent import Agent
from supervisor.emulator.calls import Call
from tests.process.harness import ROOT, Run, supervised

ACTORS = Path(__file__).parent / "actors"

# The worker finds the hooks in the checkout.
ENVIRONMENT = {"PYTHONPATH": str(ROOT)}

# Nothing here waits for the agent: the beginning and the end of a job are a few lines on a socket. It allows for a machine
# that pauses; what the agent lets its clients wait for is above it wherever that matters.
NO_WAIT_SECONDS = 1.0

# For protection to follow the holds after trouble: one call that hangs (5.5 s), then the longest of the first pauses.
CONVERGENCE_SECONDS = 15.0


def actor(name: str, *arguments: str) -> tuple[str, ...]:
    """Return the command of one of our workers."""
    return (sys.executable, "-S", str(ACTORS / f"{name}.py"), *arguments)


class Task:
    """A task with one container: the worker `told` under a supervisor."""

    def __init__(self, agent: Agent, task_id: str, run: Run) -> None:
        self.agent = agent
        self.task_id = task_id
        self.run = run
        self._numbers = itertools.count(1)

    def tell(self, *words: str) -> dict[str, Any]:
        """Have the worker do something; return its answer."""
        number = str(next(self._numbers))
        assert self.run.process.stdin is not None
        self.run.process.stdin.write(" ".join((number, *words)).encode() + b"\n")
        self.run.process.stdin.flush()
        self.run.until(lambda: self.said("to", number), f"the worker answers {words}", limit=20)
        return self.said("to", number)[0]

    def said(self, key: str, value: object = None) -> list[dict[str, Any]]:
        """Return what the worker said with this key, and this value where one is given."""
        lines = [json.loads(line) for line in self.run.output]
        return [line for line in lines if key in line and value in (None, line[key])]

    @property
    def is_protected(self) -> bool:
        """Whether the scheduler would spare the task now."""
        return self.agent.is_protected(self.task_id)

    @property
    def calls(self) -> tuple[Call, ...]:
        return self.agent.protection_calls(self.task_id)

    def orders(self) -> list[str]:
        """Return what the agent was asked so far, in words."""
        return [asked(call) for call in self.calls]

    def until_protected(self, wanted: bool = True, limit: float = CONVERGENCE_SECONDS) -> None:
        why = "the task is protected" if wanted else "the task is not protected any more"
        self.run.until(lambda: self.is_protected is wanted, why, limit)

    def until_ready(self) -> None:
        """Wait until the worker listens and the supervisor has had its first look at the task's protection."""
        self.run.until(lambda: self.said("ready"), "the worker is ready", limit=20)
        self.run.until(lambda: self.calls, "the supervisor has asked whether the task is protected", limit=20)


@contextmanager
def task(agent: Agent, *options: str, task_id: str | None = None, standalone: bool = False) -> Iterator[Task]:
    """Run the worker `told` under a supervisor with these options: as a new task, or as what a task runs now."""
    if task_id is None:
        with agent.world_lock:
            task_id = agent.world.add_task(agent.now(), standalone=standalone)
    env = ENVIRONMENT | {"ECS_AGENT_URI": agent.uri(task_id)}
    with supervised(*actor("told"), options=options, env=env, stdin=subprocess.PIPE) as run:
        yield Task(agent, task_id, run)


def asked(call: Call) -> str:
    """Return what a protection call asked for."""
    if call.method == "GET":
        return "look"
    return "protect" if json.loads(call.body)["ProtectionEnabled"] else "unprotect"
