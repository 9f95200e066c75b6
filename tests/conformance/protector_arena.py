"""Where a Protector is tried out: started, with its answers collected and a hand on the other side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from supervisor.adapters.ecs_agent import EcsAgent, Patience
from supervisor.core.effects import LookAtProtection, Protect, Unprotect
from supervisor.core.events import (
    ProtectionAnswer,
)
from supervisor.core.names import Attempt
from supervisor.emulator.agent import Agent
from supervisor.emulator.faults import Fault
from supervisor.emulator.world import World
from supervisor.ports import Protector
from tests.conformance.fake_protector import FakeProtector, Trouble
from tests.waiting import until

# The agent's 4 s for ECS last 0.1 s here.
TIME_SCALE = 40.0

# Ample for whatever should be answered; and little, for what is not going to be.
AMPLE_SECONDS = 10.0
LITTLE_SECONDS = 1.0

FAULTS = {
    Trouble.BLOCKED: Fault.DEPLOYMENT_BLOCKED,
    Trouble.NOT_A_SERVICE_TASK: Fault.TASK_NOT_VALID,
    Trouble.NOT_ALLOWED: Fault.IAM_DENIED,
    Trouble.THROTTLED: Fault.THROTTLED,
    Trouble.LOST: Fault.TIMEOUT_NOT_APPLIED,
    Trouble.LOST_BUT_DONE: Fault.TIMEOUT_APPLIED,
    Trouble.SILENCE: Fault.HANG,
    Trouble.SHORT_LEASE: Fault.SHORT_EXPIRY,
}


class Arena(Protocol):
    """A started protector, what it answered, and a hand on the other side."""

    protector: Protector
    answers: Answers

    def meet(self, trouble: Trouble) -> None:
        """Let the next order meet this."""

    def recover(self) -> None:
        """Let later orders meet nothing."""

    def is_protected(self) -> bool: ...

    def has_begun(self) -> bool:
        """Whether an order has been taken up."""


class Answers:
    """What came back, with the thread that brought it."""

    def __init__(self) -> None:
        self._given: list[tuple[ProtectionAnswer, threading.Thread]] = []

    def take(self, answer: ProtectionAnswer) -> None:
        self._given.append((answer, threading.current_thread()))

    def wait_for(self, count: int) -> list[ProtectionAnswer]:
        """Return all answers as soon as there are so many."""
        until(lambda: len(self._given) >= count, limit=15, why=f"{count} answers, got {self._given}")
        return [answer for answer, _ in self._given]

    @property
    def threads(self) -> set[threading.Thread]:
        return {thread for _, thread in self._given}


class AgentArena:
    def __init__(self, agent: Agent, task_id: str, protector: EcsAgent) -> None:
        self.agent = agent
        self.task_id = task_id
        self.protector = protector
        self.answers = Answers()

    def meet(self, trouble: Trouble) -> None:
        if trouble is Trouble.UNREACHABLE:
            self.agent.stop()
        else:
            self.agent.faults.next(FAULTS[trouble])

    def recover(self) -> None:
        self.agent.faults.clear()
        self.agent.start()

    def is_protected(self) -> bool:
        return self.agent.is_protected(self.task_id)

    def has_begun(self) -> bool:
        return self.agent.in_flight(self.task_id) > 0


class FakeArena:
    def __init__(self, protector: FakeProtector) -> None:
        self.protector = protector
        self.answers = Answers()

    def meet(self, trouble: Trouble) -> None:
        self.protector.next(trouble)

    def recover(self) -> None:
        """Nothing to do: what it meets, it meets once."""

    def is_protected(self) -> bool:
        return self.protector.left is not None

    def has_begun(self) -> bool:
        return bool(self.protector.orders)


class Threads:
    """Starts threads, and waits for them in the end."""

    def __init__(self) -> None:
        self._started: list[threading.Thread] = []

    def spawn(self, name: str, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, name=name, daemon=True)
        self._started.append(thread)
        thread.start()

    def all_ended(self) -> bool:
        return not any(thread.is_alive() for thread in self._started)


@contextmanager
def agent_arena(answer_seconds: float, threads: Threads) -> Iterator[AgentArena]:
    world = World()
    with Agent(world, time_scale=TIME_SCALE) as agent:
        task_id = world.add_task(agent.now())
        patience = Patience(connect_seconds=AMPLE_SECONDS, answer_seconds=answer_seconds)
        yield AgentArena(
            agent, task_id, EcsAgent(agent.uri(task_id), threads.spawn, time.time, patience=patience)
        )


@contextmanager
def fake_arena(answer_seconds: float, threads: Threads) -> Iterator[FakeArena]:
    yield FakeArena(FakeProtector(threads.spawn, patience_seconds=answer_seconds))


def protect(attempt: int, minutes: int = 60) -> Protect:
    return Protect(Attempt(attempt), minutes)


def unprotect(attempt: int) -> Unprotect:
    return Unprotect(Attempt(attempt))


def look(attempt: int) -> LookAtProtection:
    return LookAtProtection(Attempt(attempt))
