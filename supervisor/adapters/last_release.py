"""A protector that lets go at the very end what the core has left to itself.

To the core a stop signal means that ECS ends the task, and a lease does not matter then. A sidecar's container may be stopped
alone; the task would go on, protected by a lease that nobody renews or releases.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from supervisor.core.effects import LookAtProtection, Protect, Unprotect
from supervisor.core.events import (
    ProtectionAnswer,
    ProtectionCleared,
    ProtectionGranted,
    ProtectionSeen,
)
from supervisor.core.names import Attempt
from supervisor.ports import Protector

# The core counts its own from 1.
_LAST = Attempt(0)


class LastRelease:
    """Fulfils ports.Protector by another one."""

    def __init__(self, protector: Protector) -> None:
        self._protector = protector
        self._may_be_on = False
        self._answered = threading.Event()

    def submit(self, order: Protect | Unprotect | LookAtProtection) -> None:
        if isinstance(order, Protect):
            self._may_be_on = True
        self._protector.submit(order)

    def start(self, answer: Callable[[ProtectionAnswer], None]) -> None:
        def hear(given: ProtectionAnswer) -> None:
            if isinstance(given, ProtectionGranted | ProtectionCleared):
                self._may_be_on = isinstance(given, ProtectionGranted)
            elif isinstance(given, ProtectionSeen):
                self._may_be_on = given.left is not None
            if given.attempt == _LAST:
                self._answered.set()
            else:
                answer(given)

        self._protector.start(hear)

    def release(self, limit: float) -> bool:
        """Let go what may still be held; wait for the answer, so many seconds at most. Say whether nothing is held now."""
        if self._may_be_on:
            self._protector.submit(Unprotect(_LAST))
            self._answered.wait(limit)
        return not self._may_be_on

    def close(self) -> None:
        self._protector.close()
