"""Points in time as the core sees them: seconds of a monotonic clock that the core never reads itself."""

from __future__ import annotations

from typing import NewType

Instant = NewType("Instant", float)

NEVER = Instant(float("inf"))


def after(start: Instant, seconds: float) -> Instant:
    """Return the instant that lies so many seconds after another."""
    return Instant(start + seconds)


def earliest(*instants: Instant) -> Instant:
    """Return the first of them, NEVER if there are none."""
    return min(instants, default=NEVER)


def seconds_left(deadline: Instant, now: Instant) -> float | None:
    """Return the seconds until a deadline, never below zero; None where there is no deadline."""
    return None if deadline == NEVER else max(0.0, deadline - now)
