"""The way into the deciding thread for all other threads: a queue of facts that wakes the loop."""

from __future__ import annotations

import os
from collections import deque

from supervisor.core.events import Event

# More than this waits for the next turn, so that signals are looked at in between.
_AT_ONCE = 64


class Inbox:
    """Facts in the order in which they were posted.

    The fact goes in before the wake-up, and the wake-up is taken before the facts: so a fact may wake the loop twice
    but never lie unseen.
    """

    def __init__(self) -> None:
        self._facts: deque[Event] = deque()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def post(self, event: Event) -> None:
        """Hand over a fact, from any thread."""
        self._facts.append(event)
        os.eventfd_write(self._wake, 1)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when something was posted."""
        return self._wake

    def take(self) -> list[Event]:
        """Return what has been posted; what is too much for one turn wakes the loop again."""
        try:
            os.eventfd_read(self._wake)
        except BlockingIOError:
            return []
        taken = [self._facts.popleft() for _ in range(min(len(self._facts), _AT_ONCE))]
        if self._facts:
            os.eventfd_write(self._wake, 1)
        return taken
