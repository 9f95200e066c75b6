"""The script language in which the machines are tested: `>>` tells a fact, `<<` claims an order, `at` moves the clock.

Every order must be claimed before the next fact is told, so each line also says "and nothing else happened". Announce
is left out unless a playbook asks for it: it repeats what the other orders say. A script that does not hold raises
AssertionError with all of it, and the place where it went wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from supervisor.core.effects import Announce, Effect, Field, Note
from supervisor.core.engine import Engine
from supervisor.core.events import Event, Tick
from supervisor.core.holds import HoldPolicy
from supervisor.core.instants import Instant
from supervisor.core.lifecycle import LifecyclePolicy
from supervisor.core.names import HolderId, HoldId, WorkerName
from supervisor.core.plan import StopPlan
from supervisor.core.policy import Policy
from supervisor.core.protection import ProtectionPolicy
from supervisor.core.sequence import parse
from supervisor.core.worker import RestartPolicy

WEB = WorkerName("web")
ALICE = HolderId("alice")
BOB = HolderId("bob")
J1 = HoldId("j1")
J2 = HoldId("j2")


@dataclass(frozen=True, slots=True)
class At:
    seconds: float


def at(seconds: float) -> At:
    """Move the clock to so many seconds after the start, waking the engine whenever it asked to be woken."""
    return At(seconds)


@dataclass(frozen=True, slots=True)
class Told:
    """Claims a note by its name and those of its fields that are given."""

    name: str
    fields: tuple[tuple[str, Field], ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Note) and other.name == self.name and set(self.fields) <= set(other.fields)

    __hash__ = None  # type: ignore[assignment]


def told(name: str, **fields: Field) -> Told:
    return Told(name, tuple(fields.items()))


def plan(
    stages: str = "QUIET 20 TERM 7 KILL 1",
    stop_timeout: float = 30,
    exit_margin: float = 2,
    drains: bool = False,
) -> StopPlan:
    parsed, problems = parse(stages)
    assert not problems
    return StopPlan(parsed, stop_timeout, exit_margin, drains)


def policy(
    stop: StopPlan | None = None,
    protection: ProtectionPolicy | None = None,
    holds: HoldPolicy | None = None,
    restart: RestartPolicy | None = None,
    lifecycle: LifecyclePolicy | None = None,
    workers: tuple[WorkerName, ...] = (WEB,),
) -> Policy:
    """Make a policy that leaves protection out unless one is given."""
    return Policy(
        workers=workers,
        lifecycle=lifecycle or LifecyclePolicy(stop or plan()),
        holds=holds or HoldPolicy(),
        restart=restart or RestartPolicy(),
        protection=protection,
    )


class Playbook:
    def __init__(self, what: Policy, announcements: bool = False) -> None:
        self.engine = Engine(what, Instant(0.0), strict=True)
        self.now = Instant(0.0)
        self._announcements = announcements
        self._script: list[str] = []
        self._unclaimed: list[Effect] = []

    def __rshift__(self, fact: Event | At) -> Self:
        self._nothing_unclaimed()
        self._script.append(f">> {fact}")
        if isinstance(fact, At):
            self._move_to(Instant(fact.seconds))
        else:
            self._tell(fact)
        return self

    def __lshift__(self, order: Effect | Told) -> Self:
        self._script.append(f"<< {order}")
        if not self._unclaimed:
            self._fail("nothing was ordered")
        given = self._unclaimed.pop(0)
        if order != given:
            self._fail(f"was ordered instead: {given}")
        return self

    def __bool__(self) -> bool:
        self._nothing_unclaimed()
        return True

    def _move_to(self, then: Instant) -> None:
        assert then >= self.now
        while (due := self.engine.wake_at()) <= then:
            if due <= self.now and self.now > 0:
                self._fail(f"the engine wants to be woken at {due}, which is not later than {self.now}")
            self.now = Instant(max(due, self.now))
            self._tell(Tick())
        self.now = then
        self._tell(Tick())

    def _tell(self, fact: Event) -> None:
        given = self.engine.handle(fact, self.now)
        self._unclaimed += [one for one in given if self._announcements or not isinstance(one, Announce)]

    def _nothing_unclaimed(self) -> None:
        if self._unclaimed:
            self._fail("not claimed: " + "; ".join(map(str, self._unclaimed)))

    def _fail(self, why: str) -> None:
        raise AssertionError("\n".join([*self._script, f"   at {self.now:g} s: {why}"]))
