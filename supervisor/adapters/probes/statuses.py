"""Brings the exit status of a probe's command to the probe: only the reaper may collect it, so the reaper hands it over."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Statuses:
    """Filled by the deciding thread, awaited by the probes'. What is collected while nobody waits is not kept."""

    def __init__(self) -> None:
        self._ended: dict[int, int] = {}
        # Held by anybody for no longer than it takes to put a number in or take it out.
        self._bell = threading.Condition()
        self._waiting = 0

    def add(self, pid: int, status: int) -> None:
        """Take the status of a process that was collected and is not the worker's main one."""
        if self._waiting:
            with self._bell:
                self._ended[pid] = status
                self._bell.notify_all()

    def of(self, start: Callable[[], int], seconds: float) -> tuple[int, int | None]:
        """Start a process; return its number, and its status if it ends within so many seconds."""
        with self._bell:
            self._waiting += 1
        try:
            # Collected perhaps before its number is known here, so every status since the start is kept.
            pid = start()
            with self._bell:
                self._bell.wait_for(lambda: pid in self._ended, seconds)
                return pid, self._ended.pop(pid, None)
        finally:
            with self._bell:
                self._waiting -= 1
                if not self._waiting:
                    self._ended.clear()
