"""What a signal would mean for the workers, worked out while there is nothing else to do.

Of all facts a stop request is the one that is waited for: by ECS, on a clock. What follows from it for workers depends on
little (the phase, the workers, whether anything is in flight), so it is known beforehand, once for each such situation and
both with work in flight and without: work begins and ends all the time, and the rest hardly ever changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from .effects import Effect, Forward, Kill, Quiet, Stop
from .events import HoldTaken
from .holds import Holds, step
from .instants import NEVER, Instant
from .names import HolderId, HoldId, SignalName, WorkerName

Urgent = Quiet | Stop | Kill


@dataclass(frozen=True, slots=True)
class Foresight:
    """situation: for which all of this is true. alive: the workers that a signal is passed on to.

    idle, working: the orders to workers at a stop request, without work in flight and with it.
    """

    situation: tuple[object, ...]
    alive: tuple[WorkerName, ...] = ()
    idle: tuple[Urgent, ...] = ()
    working: tuple[Urgent, ...] = ()

    @property
    def is_certain(self) -> bool:
        """Say whether a stop request orders the same whatever is in flight when it comes."""
        return self.idle == self.working

    def stop(self, working: bool) -> tuple[Urgent, ...]:
        """Return the orders to workers at a stop request."""
        return self.working if working else self.idle

    def forward(self, signal: SignalName) -> tuple[Forward, ...]:
        """Return the orders for a signal that is meant for the workers."""
        return tuple(Forward(worker, signal) for worker in self.alive)


def foresee(
    situation: tuple[object, ...],
    alive: tuple[WorkerName, ...],
    orders: Callable[[bool], Iterable[Effect]],
) -> Foresight:
    """Work it out. orders: all that a stop request would order, without work in flight and with it."""
    idle, working = (_urgent(orders(working)) for working in (False, True))
    return Foresight(situation, alive, idle, working)


def imagined(state: Holds, working: bool, now: Instant) -> Holds:
    """Return the holds as they may be when a stop request comes: with one more job in flight, or with none."""
    if not working:
        return replace(state, open={}, fetchers=0, next_at=NEVER)
    return step(state, HoldTaken(HoldId("imagined"), HolderId("imagined"), "imagined"), now)[0]


def _urgent(effects: Iterable[Effect]) -> tuple[Urgent, ...]:
    return tuple(order for order in effects if isinstance(order, Quiet | Stop | Kill))
