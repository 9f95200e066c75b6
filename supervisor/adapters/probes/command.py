"""Sees work by a command that somebody has written for it: its exit status says busy, idle or nothing."""

from __future__ import annotations

import os

from supervisor.adapters.launch import Launcher
from supervisor.core.probing import Busy, Idle, Sample, Unknown

from .statuses import Statuses

# A command that looks longer than this hangs, or costs more than it tells.
LIMIT_SECONDS = 5.0

# Its words are for nobody; they would come every second.
_SILENT = "exec </dev/null >/dev/null 2>&1\n"

_BUSY_STATUS = 0
_IDLE_STATUS = 1


class Command:
    """statuses: where the exit status comes from. helpers: the processes that are ours and not the worker's."""

    def __init__(
        self, command: str, statuses: Statuses, helpers: set[int], limit: float = LIMIT_SECONDS
    ) -> None:
        self._launcher = Launcher([b"/bin/sh", b"-c", os.fsencode(_SILENT + command)], dict(os.environb))
        self._statuses = statuses
        self._helpers = helpers
        self._limit = limit
        self._about = command.partition("\n")[0][:80]

    def look(self) -> Sample:
        pid, status = self._statuses.of(self._start, self._limit)
        try:
            if status is None:
                self._launcher.kill(pid)
        except ProcessLookupError:
            # It has ended just now.
            pass
        finally:
            self._helpers.discard(pid)
        if status == _BUSY_STATUS:
            return Busy(self._about)
        if status == _IDLE_STATUS:
            return Idle()
        why = f"took longer than {self._limit:g} s" if status is None else f"exits with {status}"
        return Unknown(f"`{self._about}` {why}")

    def _start(self) -> int:
        pid = self._launcher.start()
        self._helpers.add(pid)
        return pid
