"""What is counted of polls and requests outside the deciding thread, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Seconds. A poll is answered at once or after its wait, 20 at most; a job takes from milliseconds to hours.
POLL_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 20.0, 25.0)
JOB_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0)


@dataclass(frozen=True, slots=True)
class Spread:
    """How many took up to each bound, and longer than the last one; and all of them together, in seconds."""

    counts: tuple[int, ...]
    sum: float


@dataclass(frozen=True, slots=True)
class Measured:
    """polls: by queue and outcome. outcomes: of requests, by status or by why there is none. bytes: of all bodies."""

    polls: Mapping[tuple[str, str], int]
    outcomes: Mapping[str, int]
    bytes: int
    poll_seconds: Spread
    job_seconds: Spread
