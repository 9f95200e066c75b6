"""Who waits for an answer about a hold, or for news; told by the deciding thread, which waits for none of them.

Each has a queue of C: putting something in takes no lock that a waiter could keep. How many may wait is bounded, because each
of them keeps a thread and a connection.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from supervisor.core.effects import Announce, Grant, Refuse
from supervisor.core.names import HoldId

from .exchange import Request

# Workers that follow, and some operators; each has a thread while it waits.
MOST_WAITING = 64

# What a waiter finds in its queue. None: its peer has gone.
Heard = SimpleQueue[Announce | Grant | Refuse | None]


class CrowdedError(Exception):
    """As many wait already as may."""


class Waiters:
    """Fulfils ports.Hooks. crew: told how many wait whenever that changes, so that they take no thread from the short requests."""

    def __init__(self) -> None:
        self.crew: Callable[[int], object] = no_crew
        # Written under the lock, by those who wait; the values are never changed, so they are read without it.
        self._lock = threading.Lock()
        self._asking: dict[HoldId, tuple[Heard, ...]] = {}
        self._following: tuple[Heard, ...] = ()
        self._waiting = 0

    def answer(self, order: Grant | Refuse) -> None:
        """Pass an answer on to all who have asked for this hold."""
        for heard in self._asking.get(order.hold, ()):
            heard.put(order)

    def announce(self, news: Announce) -> None:
        """Pass news on to all who follow."""
        for heard in self._following:
            heard.put(news)

    def close(self) -> None:
        """Let nobody wait any longer."""
        for heard in (*self._following, *(each for asked in tuple(self._asking.values()) for each in asked)):
            heard.put(None)

    @contextmanager
    def asking(self, hold: HoldId) -> Iterator[Heard]:
        """Hear the answers about one hold."""
        heard: Heard = SimpleQueue()
        with self._lock:
            self._asking[hold] = (*self._asking.get(hold, ()), heard)
        try:
            yield heard
        finally:
            with self._lock:
                if left := _without(self._asking[hold], heard):
                    self._asking[hold] = left
                else:
                    del self._asking[hold]

    @contextmanager
    def following(self) -> Iterator[Heard]:
        """Hear all news."""
        heard: Heard = SimpleQueue()
        with self._lock:
            self._following = (*self._following, heard)
        try:
            yield heard
        finally:
            with self._lock:
                self._following = _without(self._following, heard)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count as one who waits. Raise CrowdedError where there are too many already."""
        with self._lock:
            if self._waiting >= MOST_WAITING:
                raise CrowdedError
            self._count(+1)
        try:
            yield
        finally:
            with self._lock:
                self._count(-1)

    def wait_for_news(
        self, request: Request, heard: Heard, is_enough: Callable[[Announce], bool], left: Callable[[], float]
    ) -> None:
        """Wait until news are enough, the peer has gone, or nothing is left of the time. Raise CrowdedError."""
        with self.waiting():
            tell_hang_up(request, heard)
            try:
                while (news := heard.get(timeout=max(0.0, left()))) is not None:
                    if isinstance(news, Announce) and is_enough(news):
                        return
            except Empty:
                return

    def _count(self, one: int) -> None:
        # Where there is no room for one more thread this fails, and who failed does not count.
        self.crew(self._waiting + one)
        self._waiting += one


def _without(queues: tuple[Heard, ...], gone: Heard) -> tuple[Heard, ...]:
    return tuple(each for each in queues if each is not gone)


def tell_hang_up(request: Request, heard: Heard) -> None:
    """Let a waiter hear that its peer has gone."""
    if request.peer is not None:
        request.peer.when_closed(lambda: heard.put(None))


def no_crew(waiting: int) -> None:
    """Nobody has to be told."""
