"""Waiting for something the supervisor will say, in a thread or in an event loop.

Events are made when somebody waits, not at import, so that gevent and eventlet have been able to replace
them.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

# threading and event loops refuse to wait for centuries; a longer wait is made of several.
ONE_WAIT_SECONDS = 3600.0


class Waiting:
    """Everybody in this process who waits; woken at every word to see whether it was theirs."""

    def __init__(self) -> None:
        self._wakers: dict[object, Callable[[], object]] = {}

    def wake_all(self) -> None:
        """Let everybody look again."""
        for wake in tuple(self._wakers.values()):
            wake()

    def wait(self, happened: Callable[[], bool], timeout: float) -> bool:
        """Wait until this is true; whether it was in time."""
        deadline = time.monotonic() + timeout
        event = threading.Event()
        self._wakers[event] = event.set
        try:
            while not happened():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                event.wait(min(left, ONE_WAIT_SECONDS))
                event.clear()
            return True
        finally:
            del self._wakers[event]

    async def wait_async(self, happened: Callable[[], bool], timeout: float) -> bool:
        """Wait without stopping the event loop; asyncio's, and RuntimeError under another."""
        import asyncio  # whoever awaits this has loaded it; nobody else shall pay for it

        loop = asyncio.get_running_loop()
        deadline = time.monotonic() + timeout
        event = asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop was closed under its waiter
                loop.call_soon_threadsafe(event.set)

        self._wakers[event] = wake
        try:
            while not happened():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                # Not asyncio.wait_for: before Python 3.12 it swallows a cancellation that comes with the event.
                alarm = loop.call_later(min(left, ONE_WAIT_SECONDS), event.set)
                try:
                    await event.wait()
                finally:
                    alarm.cancel()
                event.clear()
            return True
        finally:
            del self._wakers[event]
