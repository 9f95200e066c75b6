"""The way into the deciding thread for all other threads: a queue of facts and questions that wakes the loop."""

from __future__ import annotations

import os
from collections import deque

from supervisor.core.events import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# More than this waits for the next turn, so that signals are looked at in between.
_AT_ONCE = 16


class Question:
    """Facts to be decided, and then an answer to be made. answer: called on the deciding thread; must be quick, may not raise."""

    __slots__ = ("answer", "facts")

    def __init__(self, facts: Sequence[Event], answer: Callable[[], None]) -> None:
        self.facts = facts
        self.answer = answer


class Inbox:
    """Facts and questions in the order in which they were posted.

    The fact goes in before the wake-up, and the wake-up is taken before the facts: so a fact may wake the loop twice
    but never lie unseen.
    """

    def __init__(self) -> None:
        self._posted: deque[Event | Question] = deque()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    @property
    def has_some(self) -> bool:
        """Whether there is anything to take; costs nothing."""
        return bool(self._posted)

    def post(self, *posted: Event | Question) -> None:
        """Hand over facts, from any thread."""
        self._posted.extend(posted)
        os.eventfd_write(self._wake, 1)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when something was posted."""
        return self._wake

    def take(self) -> list[Event | Question]:
        """Return what has been posted; what is too much for one turn wakes the loop again."""
        try:
            os.eventfd_read(self._wake)
        except BlockingIOError:
            return []
        taken = [self._posted.popleft() for _ in range(min(len(self._posted), _AT_ONCE))]
        if self._posted:
            os.eventfd_write(self._wake, 1)
        return taken
