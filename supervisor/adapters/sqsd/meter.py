"""Counts what the deciding thread does not see: how long polls and requests take, and what the app answers."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter

from supervisor.core.delivery.measured import JOB_BUCKETS, POLL_BUCKETS, Measured, Spread


class Meter:
    """May be used by any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._polls: Counter[tuple[str, str]] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._bytes = 0
        self._poll_seconds = _Buckets(POLL_BUCKETS)
        self._job_seconds = _Buckets(JOB_BUCKETS)

    def polled(self, queue: str, outcome: str, seconds: float) -> None:
        """Count a poll. outcome: `messages`, `nothing`, or the kind of trouble."""
        with self._lock:
            self._polls[queue, outcome] += 1
            self._poll_seconds.add(seconds)

    def posted(self, outcome: str, seconds: float, size: int) -> None:
        """Count a request. outcome: the status, or why there is none. size: of the body, in bytes."""
        with self._lock:
            self._outcomes[outcome] += 1
            self._bytes += size
            self._job_seconds.add(seconds)

    def read(self) -> Measured:
        with self._lock:
            return Measured(
                polls=dict(self._polls),
                outcomes=dict(self._outcomes),
                bytes=self._bytes,
                poll_seconds=self._poll_seconds.read(),
                job_seconds=self._job_seconds.read(),
            )


class _Buckets:
    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, seconds: float) -> None:
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def read(self) -> Spread:
        return Spread(tuple(self._counts), self._sum)
