"""Carries out the orders of the engine that has deliveries: the shell's one by one as ever, theirs by whoever delivers."""

from __future__ import annotations

from supervisor.core.delivery.orders import ShellOrder
from supervisor.core.effects import Effect
from supervisor.core.events import Event
from supervisor.ports import Deliverer

from .perform import Performer


class DeliveringPerformer(Performer):
    """deliverer: set before the loop begins; it needs what this is a part of."""

    deliverer: Deliverer

    def perform(self, effect: Effect | ShellOrder) -> Event | None:
        if isinstance(effect, ShellOrder):
            self.deliverer.submit(effect)
            return None
        return super().perform(effect)
