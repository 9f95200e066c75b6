"""What every hook is told of how things stand; two that are equal need to be told once, as hooks count the seconds down themselves."""

from __future__ import annotations

from dataclasses import dataclass

from . import lifecycle, protection
from .effects import Announce
from .instants import Instant, seconds_left


@dataclass(frozen=True, slots=True)
class News:
    """As in Announce, with the instant at which work in flight will be interrupted."""

    phase: str
    accepting: bool
    stopping: bool
    deadline: Instant
    protected: bool
    signalled: bool

    def announce(self, now: Instant) -> Announce:
        """Return the order to tell them."""
        left = seconds_left(self.deadline, now)
        return Announce(self.phase, self.accepting, self.stopping, left, self.protected, self.signalled)


def news(life: lifecycle.Lifecycle, lease: protection.Protection, now: Instant) -> News:
    """Look at how things stand."""
    return News(
        phase=life.phase.value,
        accepting=lifecycle.is_accepting(life),
        stopping=lifecycle.is_leaving(life),
        deadline=lifecycle.work_deadline(life),
        protected=protection.is_confirmed(lease, now),
        signalled=lifecycle.is_signalled(life),
    )
