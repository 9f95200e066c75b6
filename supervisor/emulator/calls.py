"""The record of every call the agent received, and of how many were under way at the same time."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass

from supervisor.emulator.faults import Fault


@dataclass(frozen=True, slots=True)
class Call:
    """One call, recorded when it ended.

    A status of None means that the client saw no answer. `in_flight` counts the protection calls of the same
    task that were under way when this one arrived, itself included.
    """

    at: float
    method: str
    path: str
    endpoint_id: str | None
    task_id: str | None
    body: bytes
    status: int | None
    answer: bytes
    seconds: float
    in_flight: int
    fault: Fault

    @property
    def is_protection(self) -> bool:
        return self.path.endswith("/task-protection/v1/state")


class CallLog:
    """Safe to read and write from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._in_flight: Counter[str] = Counter()
        self._most_in_flight: Counter[str] = Counter()

    @property
    def calls(self) -> tuple[Call, ...]:
        with self._lock:
            return tuple(self._calls)

    def arrived(self, whose: str) -> int:
        """Count a call as under way; answers how many are now."""
        with self._lock:
            self._in_flight[whose] += 1
            self._most_in_flight[whose] = max(self._most_in_flight[whose], self._in_flight[whose])
            return self._in_flight[whose]

    def ended(self, whose: str, call: Call) -> None:
        with self._lock:
            self._in_flight[whose] -= 1
            self._calls.append(call)

    def in_flight(self, whose: str) -> int:
        with self._lock:
            return self._in_flight[whose]

    def most_in_flight(self, whose: str) -> int:
        with self._lock:
            return self._most_in_flight[whose]
