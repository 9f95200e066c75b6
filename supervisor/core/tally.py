"""Counts what has happened, for metrics: from the facts and orders alone, in the order in which they were decided.

It hears of every decision on the deciding thread, so a job's hold, the busiest fact, costs it one look at a set. What it has
counted is read as a value (`read`), on that thread too.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from .effects import Effect, Kill, LookAtProtection, Note, Protect, Stop, Unprotect
from .events import (
    Event,
    HoldRefreshed,
    HoldReleased,
    HoldTaken,
    ProtectionCleared,
    ProtectionGranted,
    ProtectionRefused,
    ProtectionSeen,
    ProtectionUnknown,
)
from .instants import Instant

# Seconds. The agent answers in some ten milliseconds, asks ECS for up to 4 s, and is given up on after 6.
LATENCY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# Facts that say nothing but what the snapshot counts anyway.
_PLAIN = frozenset((HoldTaken, HoldRefreshed, HoldReleased))

_CALLS: dict[type, str] = {Protect: "protect", Unprotect: "unprotect", LookAtProtection: "look"}

# With these the clock of the way out begins, unless it is a drain that may take as long as it likes.
_CLOCK_NOTES = ("task.draining", "task.deadline", "task.forced")


@dataclass(frozen=True, slots=True)
class Latency:
    """buckets: how many took up to each of LATENCY_BUCKETS, each call in the first that fits; the last is for all longer ones."""

    buckets: tuple[int, ...] = (0,) * (len(LATENCY_BUCKETS) + 1)
    sum: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.buckets)


@dataclass(frozen=True, slots=True)
class Counts:
    """calls: to the protector, by what was asked and what came of it. notes: by name.

    abandoned: jobs given up. lapses: of protection, with demand. stop_used: seconds since the stop began, None before.
    stop_share: the same as a share of what there is, None where that is not known.
    """

    calls: Mapping[tuple[str, str], int]
    latency: Mapping[str, Latency]
    notes: Mapping[str, int]
    drains: int
    abandoned: int
    lapses: int
    stops: int
    kills: int
    stop_used: float | None
    stop_share: float | None


class Tally:
    """Hears of every decision (`count`)."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str]] = Counter()
        self._latency: dict[str, Latency] = {}
        self._notes: Counter[str] = Counter()
        self._abandoned = 0
        self._stops = 0
        self._kills = 0
        # The call that is on its way: its number, what was asked, and when.
        self._asked: tuple[int, str, Instant] | None = None
        self._stop_began_at: Instant | None = None
        self._stop_seconds: float | None = None

    def count(self, now: Instant, fact: Event, effects: tuple[Effect, ...]) -> None:
        """Take one decision in."""
        if not effects and type(fact) in _PLAIN:
            return
        match fact:
            case ProtectionGranted():
                self._answered(now, fact.attempt, "granted")
            case ProtectionCleared():
                self._answered(now, fact.attempt, "cleared")
            case ProtectionSeen():
                self._answered(now, fact.attempt, "seen")
            case ProtectionRefused():
                self._answered(now, fact.attempt, fact.kind.name.lower())
            case ProtectionUnknown():
                self._answered(now, fact.attempt, "unknown")
            case _:
                pass
        for effect in effects:
            match effect:
                case Note():
                    self._noted(now, effect)
                case Protect() | Unprotect() | LookAtProtection():
                    self._asked = effect.attempt, _CALLS[type(effect)], now
                case Stop():
                    self._stops += 1
                case Kill():
                    self._kills += 1
                case _:
                    pass

    def read(self, now: Instant) -> Counts:
        """Return all counts as they stand."""
        used = None if self._stop_began_at is None else now - self._stop_began_at
        return Counts(
            calls=dict(self._calls),
            latency=dict(self._latency),
            notes=dict(self._notes),
            drains=self._notes["task.draining"],
            abandoned=self._abandoned,
            lapses=self._notes["protection.lapsed"],
            stops=self._stops,
            kills=self._kills,
            stop_used=used,
            stop_share=used / self._stop_seconds if used is not None and self._stop_seconds else None,
        )

    def _answered(self, now: Instant, attempt: int, outcome: str) -> None:
        if self._asked is None or self._asked[0] != attempt:
            # It comes too late: another was asked since.
            return
        _, call, asked_at = self._asked
        self._asked = None
        self._calls[call, outcome] += 1
        known, took = self._latency.get(call, Latency()), now - asked_at
        buckets = list(known.buckets)
        buckets[bisect_left(LATENCY_BUCKETS, took)] += 1
        self._latency[call] = Latency(tuple(buckets), known.sum + took)

    def _noted(self, now: Instant, told: Note) -> None:
        self._notes[told.name] += 1
        if told.name == "holds.abandoned":
            work = dict(told.fields)["work"]
            self._abandoned += len(work) if isinstance(work, tuple) else 0
        elif told.name in _CLOCK_NOTES and self._stop_began_at is None:
            seconds = dict(told.fields).get("seconds")
            if isinstance(seconds, float):
                self._stop_seconds = seconds
            if isinstance(seconds, float) or told.name == "task.forced":
                self._stop_began_at = now
