"""The agent's rate limit: one token bucket for each client address and path."""

from __future__ import annotations

import threading

# The agent's defaults, ECS_TASK_METADATA_RPS_LIMIT="40,60".
STEADY_PER_SECOND = 40.0
BURST = 60.0


class Limiter:
    """Two paths of one client do not share a bucket; GET and PUT of one path do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def allows(self, client: str, path: str, now: float) -> bool:
        with self._lock:
            tokens, since = self._buckets.get((client, path), (BURST, now))
            tokens = min(BURST, tokens + max(0.0, now - since) * STEADY_PER_SECOND)
            allowed = tokens >= 1.0
            self._buckets[client, path] = (tokens - 1.0 if allowed else tokens, now)
            return allowed
