"""How long to wait before the next try: doubling, bounded, and spread so that tasks do not march in step.

The spread is computed from the task's identity and the number of the try, not drawn: the core stays pure, a replay
waits exactly as long as the original did, and two tasks started by one deployment still differ.
"""

from __future__ import annotations

from binascii import crc32
from dataclasses import dataclass

# Half of every delay is certain, the other half is spread: enough to part tasks, never near zero.
SPREAD = 0.5


@dataclass(frozen=True, slots=True)
class Backoff:
    """first and longest: seconds. identity: whatever tells this task from its siblings."""

    first: float
    longest: float
    identity: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.first <= self.longest:
            raise ValueError("the first delay must be more than zero and at most the longest")

    def delay(self, tries: int) -> float:
        """Return the seconds to wait after so many failed tries (1 or more); never zero, never over `longest`."""
        # The exponent is bounded because 2.0 ** 1024 overflows: a broken agent may be tried for weeks.
        whole = min(self.longest, self.first * 2.0 ** min(tries - 1, 64))
        luck = crc32(f"{self.identity}/{tries}".encode()) / 0xFFFFFFFF
        return whole * (1 - SPREAD * luck)
