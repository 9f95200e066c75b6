"""Sees work in processor time: much of it proves that something runs, little of it proves nothing."""

from __future__ import annotations

from collections.abc import Callable

from supervisor.core.probing import Busy, Idle, Sample

from .family import Family

# The kernel counts in hundredths of a second, so less time than this between two looks says too little.
_LEAST_SECONDS = 0.2


class Cpu:
    """percent: of one core, for all of the worker's processes together. now: seconds of a monotonic clock."""

    def __init__(self, percent: float, family: Callable[[], Family], now: Callable[[], float]) -> None:
        self._percent = percent
        self._family = family()
        self._now = now
        self._looked_at = now()
        self._used = self._look_at_all()
        self._last: Sample = Idle()

    def look(self) -> Sample:
        seconds = self._now() - self._looked_at
        if seconds >= _LEAST_SECONDS:
            self._last = self._compare(seconds)
        return self._last

    def _compare(self, seconds: float) -> Sample:
        self._looked_at += seconds
        before, self._used = self._used, self._look_at_all()
        # What began since then has used all of its time since then; what ended meanwhile is not counted.
        used = sum(now - before.get(name, 0.0) for name, now in self._used.items())
        percent = 100.0 * used / seconds
        return Busy(f"{percent:.0f} % of a core") if percent > self._percent else Idle()

    def _look_at_all(self) -> dict[tuple[int, int], float]:
        return {member.name: self._family.processor_seconds(member) for member in self._family.members()}
