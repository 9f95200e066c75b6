"""Orders of one kind wait here for threads of their own, so that no kind ever waits for another.

A thread is started when an order comes and none is free, and then kept: an idle one costs some 16 KiB, and a task that was
busy once will be again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

SpawnThread = Callable[[str, Callable[[], None]], None]


class Lane(Generic[T]):
    """most: threads at once. carry_out: does some orders, in one of them; it must not raise.

    alike: whether two orders may be done in one go; of those at most `at_once` are. None does each by itself.
    """

    def __init__(
        self,
        name: str,
        most: int,
        spawn_thread: SpawnThread,
        carry_out: Callable[[list[T]], None],
        alike: Callable[[T, T], bool] | None = None,
        at_once: int = 1,
    ) -> None:
        self._name = name
        self._most = most
        self._spawn_thread = spawn_thread
        self._carry_out = carry_out
        self._alike = alike
        self._at_once = at_once
        self._waiting: deque[T] = deque()
        self._has_come = threading.Condition()
        self._threads = 0
        # Threads that wait for an order.
        self.idle = 0

    def put(self, order: T) -> None:
        """Take an order; returns at once, whatever the threads do. May raise where no thread at all can be started."""
        with self._has_come:
            self._waiting.append(order)
            is_short = len(self._waiting) > self.idle and self._threads < self._most
            self._threads += is_short
            number = self._threads
            self._has_come.notify()
        if is_short:
            self._grow(number)

    def _grow(self, number: int) -> None:
        try:
            self._spawn_thread(f"{self._name}-{number}", self._work)
        except RuntimeError:
            # No thread can be had now: those that are here will come to it.
            with self._has_come:
                self._threads -= 1
                if not self._threads:
                    raise

    def _work(self) -> None:
        while True:
            self._carry_out(self._take())

    def _take(self) -> list[T]:
        with self._has_come:
            self.idle += 1
            while not self._waiting:
                self._has_come.wait()
            self.idle -= 1
            first = self._waiting.popleft()
            return [first, *self._those_like(first)]

    def _those_like(self, first: T) -> list[T]:
        found: list[T] = []
        if self._alike is None:
            return found
        rest: deque[T] = deque()
        for order in self._waiting:
            is_one = len(found) < self._at_once - 1 and self._alike(first, order)
            (found if is_one else rest).append(order)
        self._waiting = rest
        return found
