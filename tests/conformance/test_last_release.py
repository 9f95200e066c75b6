"""The last release lets go what the core has left, and otherwise changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from supervisor.adapters.ecs_agent import EcsAgent
from supervisor.adapters.last_release import LastRelease
from supervisor.core.effects import LookAtProtection, Protect, Unprotect
from supervisor.core.events import ProtectionAnswer
from supervisor.core.names import Attempt
from supervisor.emulator.agent import Agent
from supervisor.emulator.faults import Fault
from supervisor.emulator.world import World
from tests.waiting import until


class Held:
    """A task whose protection is asked for through a last release."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.task_id = agent.world.add_task(agent.now())
        self.answers: list[ProtectionAnswer] = []
        self.release = LastRelease(EcsAgent(agent.uri(self.task_id), _spawn, lambda: 0.0))
        self.release.start(self.answers.append)

    def order(self, *orders: Protect | Unprotect | LookAtProtection) -> None:
        for order in orders:
            self.release.submit(order)
        until(lambda: len(self.answers) == len(orders), why="all is answered")

    @property
    def methods(self) -> list[str]:
        return [call.method for call in self.agent.protection_calls(self.task_id)]


def _spawn(_name: str, work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


@pytest.fixture
def held() -> Iterator[Held]:
    with Agent(World()) as agent:
        held = Held(agent)
        yield held
        held.release.close()


def test_what_is_held_is_let_go(held: Held) -> None:
    """It is waited for, and the core does not hear of it."""
    held.order(Protect(Attempt(1), 60))
    assert held.release.release(10.0)
    assert not held.agent.is_protected(held.task_id)
    assert len(held.answers) == 1


def test_what_was_found_is_let_go_too(held: Held) -> None:
    """A lease that an earlier process has left is as good as our own."""
    held.agent.world.set_protection(held.task_id, True, 60, held.agent.now())
    held.order(LookAtProtection(Attempt(1)))
    assert held.release.release(10.0)
    assert not held.agent.is_protected(held.task_id)


@pytest.mark.parametrize(
    "orders",
    [
        (),
        (LookAtProtection(Attempt(1)),),
        (Protect(Attempt(1), 60), Unprotect(Attempt(2))),
        (Protect(Attempt(1), 60), Unprotect(Attempt(2)), LookAtProtection(Attempt(3))),
    ],
)
def test_nobody_is_asked_where_nothing_is_held(
    held: Held, orders: tuple[Protect | Unprotect | LookAtProtection, ...]
) -> None:
    """A call to the agent at every exit would be one too many."""
    held.order(*orders)
    before = held.methods
    assert held.release.release(10.0)
    assert held.methods == before


def test_an_agent_that_hangs_keeps_nobody(held: Held) -> None:
    """When the time is up it is told that protection may still be on."""
    held.order(Protect(Attempt(1), 60))
    held.agent.faults.always(Fault.HANG)
    assert not held.release.release(0.1)


def test_an_agent_that_refuses_is_believed(held: Held) -> None:
    """A refusal to protect holds nothing, a refusal to let go does."""
    held.order(Protect(Attempt(1), 60))
    held.agent.faults.next(Fault.IAM_DENIED)
    assert not held.release.release(10.0)
