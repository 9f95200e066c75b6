"""A message in a queue of the stand-in, and the rules of its visibility. Time is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# From ReceiveMessage on, whatever is asked for later (Amazon SQS Developer Guide, visibility timeout).
LONGEST_LEASE_SECONDS = 43_200.0


@dataclass(slots=True)
class Lease:
    """One receive: its handle and until when it lasts."""

    handle: str
    taken_at: float
    until: float


@dataclass(slots=True, eq=False)
class Stored:
    """visible_at: delayed until then. lease: the newest one, also where it has run out.

    copies_due: how often it is to be delivered although it is in flight; shadows: the handles of such deliveries.
    """

    id: str
    body: str
    attributes: Mapping[str, Any]
    system: Mapping[str, str]
    sent_ms: int
    number: int
    group: str | None = None
    visible_at: float = 0.0
    receives: int = 0
    first_received_ms: int | None = None
    lease: Lease | None = None
    deleted: bool = False
    copies_due: int = 0
    shadows: set[str] = field(default_factory=set)

    def in_flight(self, now: float) -> bool:
        return not self.deleted and self.lease is not None and now < self.lease.until

    def visible(self, now: float) -> bool:
        return not self.deleted and now >= self.visible_at and not self.in_flight(now)

    def change(self, handle: str, seconds: float, now: float, most: float) -> bool:
        """Change the lease that this handle stands for; return whether it is still the one that counts.

        Raise OverflowError where the lease would last longer than any may.
        """
        lease = self.lease
        if handle in self.shadows:
            return not self.deleted
        if self.deleted or lease is None or lease.handle != handle or not self.in_flight(now):
            return False
        if now + seconds > lease.taken_at + most:
            raise OverflowError
        lease.until = now + seconds
        return True
