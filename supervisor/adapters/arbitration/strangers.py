"""Callers that cannot be told apart, and so share one claim: processes in another PID namespace, or of another user.

Each `true` adds a share with its own expiry, each `false` takes away the share that would have ended first; the claim lasts
until no share is left. Two mistakes are possible, and the worse one is to unprotect somebody who works. So a repeated
`true`, which may come from the same caller, lengthens the claim: at worst until the expiry that was asked for. A `false` of
somebody who never said `true` takes another's share away: at worst this is what the agent itself does with every `false`.
To ignore `false` would avoid that, and keep every task of such callers protected for two hours after its last job.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush, heapreplace

from supervisor.core.instants import Instant

# More than run at a time in a task; beyond it nothing is counted any more.
_MOST_SHARES = 1000


class Shares:
    """now: the time."""

    def __init__(self, now: Callable[[], Instant]) -> None:
        self._now = now
        self._ends: list[Instant] = []

    def add(self, ends_at: Instant) -> None:
        self._prune()
        if len(self._ends) < _MOST_SHARES:
            heappush(self._ends, ends_at)
        else:
            heapreplace(self._ends, ends_at)

    def take(self) -> None:
        """Take away the one that would end first."""
        self._prune()
        if self._ends:
            heappop(self._ends)

    def withdraw(self, ends_at: Instant) -> None:
        """Take away one that was added with this end."""
        if ends_at in self._ends:
            self._ends.remove(ends_at)
            self._ends.sort()

    @property
    def seconds_left(self) -> float | None:
        """Return for how long somebody still claims; None where nobody does."""
        self._prune()
        return max(self._ends) - self._now() if self._ends else None

    def _prune(self) -> None:
        while self._ends and self._ends[0] <= self._now():
            heappop(self._ends)
