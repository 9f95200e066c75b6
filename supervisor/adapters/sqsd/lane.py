"""Orders of one kind wait here for threads of their own, so that no kind ever waits for another.

A thread is started when an order comes and none is free, and then kept: an idle one costs some 16 KiB, and a task that was
busy once will be again. Where many orders can be done in one go, a busy lane lets them gather for a moment: the first
after a while is done at once, and none waits longer than the pause.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")

SpawnThread = Callable[[str, Callable[[], None]], None]


class Lane(Generic[T]):
    """most: threads at once. carry_out: does some orders, in one of them; it must not raise.

    alike: whether two orders may be done in one go; of those at most `at_once` are. None does each by itself.
    pause: seconds from the beginning of one go to that of the next, unless `at_once` orders wait.
    """

    def __init__(
        self,
        name: str,
        most: int,
        spawn_thread: SpawnThread,
        carry_out: Callable[[list[T]], None],
        alike: Callable[[T, T], bool] | None = None,
        at_once: int = 1,
        pause: float = 0.0,
    ) -> None:
        self._name = name
        self._most = most
        self._spawn_thread = spawn_thread
        self._carry_out = carry_out
        self._alike = alike
        self._at_once = at_once
        self._pause = pause
        self._free_at = 0.0
        self._waiting: deque[T] = deque()
        self._has_come = threading.Condition()
        self._threads = 0
        # Whether a thread waits for its pause to be over.
        self._gathers = False
        # Threads that wait for an order.
        self.idle = 0

    def put(self, order: T) -> None:
        """Take an order; returns at once, whatever the threads do. May raise where no thread at all can be started."""
        with self._has_come:
            self._waiting.append(order)
            number = self._one_more()
            # One that lets orders gather wakes by itself.
            if not self._gathers or len(self._waiting) >= self._at_once:
                self._has_come.notify()
        if number is not None:
            self._grow(number)

    def _one_more(self) -> int | None:
        """Return the number of a thread that has to be started; None where there are enough, or as many as may be."""
        room = self.idle if self._pause == 0 else self.idle * self._at_once
        if len(self._waiting) <= room or self._threads >= self._most:
            return None
        self._threads += 1
        return self._threads

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
            while (left := self._seconds_left()) != 0.0:
                self._gathers = left is not None
                self._has_come.wait(left)
            self._gathers = False
            self.idle -= 1
            self._free_at = monotonic() + self._pause
            first = self._waiting.popleft()
            taken = [first, *self._those_like(first)]
            number = None
            if self._pause and self._waiting:
                # Those that came meanwhile have woken nobody.
                number = self._one_more()
                self._has_come.notify()
        if number is not None:
            self._grow(number)
        return taken

    def _seconds_left(self) -> float | None:
        """Return how long what waits may gather; None where nothing does."""
        if not self._waiting:
            return None
        if len(self._waiting) >= self._at_once:
            return 0.0
        return max(0.0, self._free_at - monotonic()) if self._pause else 0.0

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
