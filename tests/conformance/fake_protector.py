"""A protector that keeps one task's protection in memory and fails on demand, for tests of what is above it.

It keeps the contract of the port as the real one does: a thread of its own, one order at a time, one answer
for each. `test_protector.py` holds both to it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from queue import SimpleQueue

from supervisor.core.effects import LookAtProtection, Protect, Unprotect
from supervisor.core.events import (
    ProtectionAnswer,
    ProtectionCleared,
    ProtectionGranted,
    ProtectionRefused,
    ProtectionSeen,
    ProtectionUnknown,
    Refusal,
)

Order = Protect | Unprotect | LookAtProtection


class Trouble(Enum):
    """What can happen to an order instead of its being carried out."""

    BLOCKED = auto()
    NOT_A_SERVICE_TASK = auto()
    NOT_ALLOWED = auto()
    THROTTLED = auto()
    UNREACHABLE = auto()
    # The answer is lost, and the order was not carried out, or was.
    LOST = auto()
    LOST_BUT_DONE = auto()
    # No answer until patience ends.
    SILENCE = auto()
    # A quarter of what was asked for.
    SHORT_LEASE = auto()


REFUSALS = {
    Trouble.BLOCKED: (Refusal.BLOCKED, "DEPLOYMENT_BLOCKED"),
    Trouble.NOT_A_SERVICE_TASK: (Refusal.NOT_A_SERVICE_TASK, "TASK_NOT_VALID"),
    Trouble.NOT_ALLOWED: (Refusal.NOT_ALLOWED, "AccessDeniedException"),
    Trouble.THROTTLED: (Refusal.TRY_AGAIN, "ThrottlingException"),
    Trouble.UNREACHABLE: (Refusal.TRY_AGAIN, "AgentUnreachable"),
}


class FakeProtector:
    """Carries out what it is asked to, unless told otherwise with `next` and `always`.

    left: seconds of protection as of the last grant, None when off; time does not pass here. Set it to play
    the part of ECS or of another container.
    orders: what was taken up, in order.
    """

    def __init__(
        self, spawn_thread: Callable[[str, Callable[[], None]], None], patience_seconds: float = 0.2
    ) -> None:
        self.left: float | None = None
        self.orders: list[Order] = []
        self._spawn_thread = spawn_thread
        self._patience_seconds = patience_seconds
        self._next: deque[Trouble] = deque()
        self._always: Trouble | None = None
        self._waiting: SimpleQueue[Order | None] = SimpleQueue()
        self._closed = threading.Event()
        self._answering = threading.Event()
        self._answering.set()

    def next(self, *troubles: Trouble) -> None:
        """Let the coming orders meet these, one each."""
        self._next.extend(troubles)

    def always(self, trouble: Trouble | None) -> None:
        """Let every order meet this that has nothing else to meet; None ends it."""
        self._always = trouble

    def withhold(self) -> None:
        """Carry out what comes, and keep the answers back."""
        self._answering.clear()

    def let_go(self) -> None:
        """Give the answers that were kept back."""
        self._answering.set()

    def submit(self, order: Order) -> None:
        self._waiting.put(order)

    def start(self, answer: Callable[[ProtectionAnswer], None]) -> None:
        self._spawn_thread("protector", lambda: self._work(answer))

    def close(self) -> None:
        self._closed.set()
        self._answering.set()
        self._waiting.put(None)

    def _work(self, answer: Callable[[ProtectionAnswer], None]) -> None:
        while (order := self._waiting.get()) is not None and not self._closed.is_set():
            self.orders.append(order)
            given = self._carry_out(order, self._next.popleft() if self._next else self._always)
            self._answering.wait()
            if self._closed.is_set():
                return
            answer(given)

    def _carry_out(self, order: Order, trouble: Trouble | None) -> ProtectionAnswer:
        match trouble:
            case None:
                return self._do(order, 1.0)
            case Trouble.SHORT_LEASE:
                return self._do(order, 0.25)
            case Trouble.SILENCE:
                self._closed.wait(self._patience_seconds)
            case Trouble.LOST_BUT_DONE:
                self._do(order, 1.0)
            case Trouble.LOST:
                pass
            case _:
                kind, code = REFUSALS[trouble]
                return ProtectionRefused(order.attempt, kind, code)
        return ProtectionUnknown(order.attempt, trouble.name)

    def _do(self, order: Order, part: float) -> ProtectionAnswer:
        match order:
            case Protect(attempt, minutes):
                self.left = minutes * 60.0 * part
                return ProtectionGranted(attempt, self.left)
            case Unprotect(attempt):
                self.left = None
                return ProtectionCleared(attempt)
            case LookAtProtection(attempt):
                return ProtectionSeen(attempt, self.left)
