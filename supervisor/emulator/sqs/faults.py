"""What goes wrong on demand between a client and the stand-in, or in the service itself."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from .refusal import Refused


class Fault(Enum):
    # The service asks to be asked more slowly.
    THROTTLE = "throttle"
    # The service fails before it has done anything.
    ERROR = "error"
    # The connection ends before the request has had any effect.
    CUT_BEFORE = "cut before"
    # The request has its effect, and the answer is lost.
    CUT_AFTER = "cut after"
    # The credentials are no good any more.
    EXPIRED_TOKEN = "expired token"
    # The role lacks the action.
    DENIED = "denied"


REFUSALS = {
    Fault.THROTTLE: Refused(
        "RequestThrottled", "Request is throttled.", "AWS.SimpleQueueService.RequestThrottled"
    ),
    Fault.ERROR: Refused(
        "InternalFailure", "The request processing has failed because of an unknown error.", "", 500
    ),
    Fault.EXPIRED_TOKEN: Refused(
        "ExpiredTokenException", "The security token included in the request is expired", "", 403
    ),
    Fault.DENIED: Refused("AccessDeniedException", "not authorized to perform this action", "", 403),
}


@dataclass(frozen=True, slots=True)
class _Chance:
    actions: Sequence[str]
    fault: Fault
    probability: float


class Faults:
    """Faults that come so many times, and faults that come by chance; the latter from a seed, so that a run can be told again."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._next: list[tuple[str, Fault]] = []
        self._chances: list[_Chance] = []

    def add(self, action: str, fault: Fault, times: int = 1) -> None:
        """Let the next calls of an action meet this; `*` is any action."""
        with self._lock:
            self._next += [(action, fault)] * times

    def now_and_then(self, fault: Fault, probability: float, *actions: str) -> None:
        """Let calls of these actions, or of all, meet this by chance."""
        with self._lock:
            self._chances.append(_Chance(actions, fault, probability))

    def clear(self) -> None:
        with self._lock:
            self._next.clear()
            self._chances.clear()

    def for_call(self, action: str) -> Fault | None:
        """Return what this call meets."""
        with self._lock:
            for index, (wanted, fault) in enumerate(self._next):
                if wanted in ("*", action):
                    del self._next[index]
                    return fault
            for chance in self._chances:
                if (not chance.actions or action in chance.actions) and (
                    self._random.random() < chance.probability
                ):
                    return chance.fault
        return None
