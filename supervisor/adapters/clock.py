"""The machine's clocks."""

from __future__ import annotations

import time

from supervisor.core.instants import Instant


class SystemClock:
    """Fulfils ports.Clock."""

    def now(self) -> Instant:
        return Instant(time.monotonic())

    def wall(self) -> float:
        return time.time()
