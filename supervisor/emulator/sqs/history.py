"""What has happened to messages, in the order in which it happened: what a test judges a run by."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Literal

What = Literal["sent", "received", "deleted", "visibility", "dead", "duplicated", "late delete"]


@dataclass(frozen=True, slots=True)
class Moment:
    """at: seconds of the monotonic clock. receipt: empty where none was involved. seconds: of a new visibility timeout."""

    at: float
    queue: str
    message: str
    what: What
    receipt: str = ""
    seconds: float = 0.0


class History:
    """Safe for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._moments: list[Moment] = []

    def add(self, moment: Moment) -> None:
        with self._lock:
            self._moments.append(moment)

    def all(self) -> list[Moment]:
        with self._lock:
            return list(self._moments)

    def of(self, message: str) -> list[Moment]:
        """Return what happened to one message."""
        return [moment for moment in self.all() if moment.message == message]

    def story(self, message: str) -> list[What]:
        """Return the same in single words."""
        return [moment.what for moment in self.of(message)]

    def counts(self, what: What) -> Counter[str]:
        """Return how often that happened to each message."""
        return Counter(moment.message for moment in self.all() if moment.what == what)

    def handed_back(self) -> Counter[str]:
        """Return how often each message was made visible at once."""
        return Counter(
            moment.message for moment in self.all() if moment.what == "visibility" and moment.seconds == 0
        )
