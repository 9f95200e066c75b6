"""Judges from outside how long work was unprotected: the workers' own records against the agent's.

Both are written by the same clock. What is between them counts against the supervisor: protection begins when the agent
has answered, and ends when it has been asked.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from supervisor.emulator.calls import Call
from tests.rehearsals.stage import asked


@dataclass(frozen=True, slots=True)
class Held:
    """One job: from the moment its beginning had returned to the one before its end was called."""

    begun: float
    ended: float


@dataclass(frozen=True, slots=True)
class Span:
    begin: float
    end: float


def unprotected_spans(calls: Iterable[Call]) -> list[Span]:
    """Return when the task was not protected, in order; the last one may have no end."""
    spans, since = [], float("-inf")
    protected = False
    for call in sorted(calls, key=lambda call: call.at):
        match asked(call):
            case "protect" if _is_on(call) and not protected:
                spans.append(Span(since, call.at + call.seconds))
                protected = True
            case "unprotect" if protected:
                since, protected = call.at, False
            case _:
                pass
    return spans if protected else [*spans, Span(since, float("inf"))]


def longest_exposure(held: Iterable[Held], calls: Sequence[Call]) -> float:
    """Return the age at which a job was last without protection, the highest of all.

    A request that is under way when a job begins has to come back first, because there is never a second one; so the
    age of that job is counted from there.
    """
    spans = unprotected_spans(calls)
    begins = [span.begin for span in spans]
    ordered = sorted(calls, key=lambda call: call.at)
    arrivals = [call.at for call in ordered]
    longest = 0.0
    for job in held:
        before = bisect_right(arrivals, job.begun) - 1
        under_way_until = ordered[before].at + ordered[before].seconds if before >= 0 else job.begun
        counted_from = max(job.begun, under_way_until)
        # The last span that began before the job's end is the latest that can touch it.
        span = spans[bisect_right(begins, job.ended) - 1]
        if span.end > job.begun:
            longest = max(longest, min(span.end, job.ended) - counted_from)
    return longest


def shortest_idleness(held: Iterable[Held], calls: Iterable[Call], way_seconds: float) -> float:
    """Return how long nobody had worked when the task was unprotected, the shortest of all; below zero: somebody did.

    way_seconds: what a hold may need to the supervisor, and a request from there; a job that young was not known of.
    """
    jobs = list(held)
    idle = (
        call.at - max((job.ended for job in jobs if job.begun < call.at - way_seconds), default=float("-inf"))
        for call in calls
        if asked(call) == "unprotect"
    )
    return min(idle, default=float("inf"))


def _is_on(call: Call) -> bool:
    protection = json.loads(call.answer).get("protection") if call.answer else None
    return bool(protection and protection["ProtectionEnabled"])
