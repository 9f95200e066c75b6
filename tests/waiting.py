"""The one place where tests wait: for a fact, with a limit, never for a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable

POLL_SECONDS = 0.01


def until(predicate: Callable[[], object], *, limit: float = 10.0, why: str) -> None:
    """Return as soon as the predicate holds; fail with the reason when it does not within the limit."""
    deadline = time.monotonic() + limit
    while not predicate():
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {limit} s: {why}")
        time.sleep(POLL_SECONDS)
