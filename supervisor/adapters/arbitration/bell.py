"""Wakes everybody who waits for something to change; whoever rings takes no lock that one of them could keep."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue


class Bell:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Never changed, only replaced; so it is read without the lock.
        self._listeners: tuple[Listener, ...] = ()

    def ring(self) -> None:
        """Wake all; from any thread."""
        for listener in self._listeners:
            listener.wake()

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Hear every ring from now on."""
        listener = Listener()
        with self._lock:
            self._listeners = (*self._listeners, listener)
        try:
            yield listener
        finally:
            with self._lock:
                self._listeners = tuple(each for each in self._listeners if each is not listener)


class Listener:
    def __init__(self) -> None:
        self._rings: SimpleQueue[None] = SimpleQueue()

    def wake(self) -> None:
        self._rings.put(None)

    def wait(self, limit: float) -> None:
        """Return at a ring that was not waited for yet, or after so many seconds."""
        try:
            self._rings.get(timeout=max(0.0, limit))
        except Empty:
            return
