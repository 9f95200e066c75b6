"""Carries all deliveries in one thread: each goes on when its socket is ready or its time is up.

A thread for each would wait as well, but threads of one interpreter take it from each other for every packet: with ten of
them that took more processor time than the deliveries.
"""

from __future__ import annotations

import os
import select
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Generic, TypeVar

from supervisor.adapters.beanstalk.answer import Steps
from supervisor.adapters.beanstalk.post import Wait

from .lane import SpawnThread

T = TypeVar("T")
F = TypeVar("F")

_NEVER = float("inf")


class Courier(Generic[T, F]):
    """begin: the steps of an order, which end with its fact; they must not raise. answer: takes facts.

    None of the steps may block. The thread is started with the first order.
    """

    def __init__(
        self,
        name: str,
        spawn_thread: SpawnThread,
        begin: Callable[[T], Steps[Wait, F]],
        answer: Callable[[Sequence[F]], None],
    ) -> None:
        self._name = name
        self._spawn_thread = spawn_thread
        self._begin = begin
        self._answer = answer
        self._come: deque[T] = deque()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.epoll()
        self._poll.register(self._bell, select.EPOLLIN)
        self._is_started = False
        # By descriptor: the deliveries under way, and what each waits for.
        self._under_way: dict[int, tuple[Steps[Wait, F], Wait]] = {}
        # Before then no delivery's time is up.
        self._look_at = _NEVER

    def put(self, order: T) -> None:
        """Take an order, from one thread; returns at once. May raise where no thread can be started."""
        self._come.append(order)
        if not self._is_started:
            self._spawn_thread(self._name, self._work)
            self._is_started = True
        os.eventfd_write(self._bell, 1)

    def _work(self) -> None:
        while True:
            self._turn()

    def _turn(self) -> None:
        left = self._look_at - monotonic()
        facts: list[F] = []
        for descriptor, _ in self._poll.poll(None if left == _NEVER else max(0.0, left)):
            # A socket that was closed may be heard of once more, while a process that is just being started still has it.
            if (found := self._under_way.pop(descriptor, None)) is not None:
                steps, wait = found
                self._go_on(steps, steps.__next__, wait, facts)
        with suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        while self._come:
            steps = self._begin(self._come.popleft())
            self._go_on(steps, steps.__next__, None, facts)
        if self._look_at <= monotonic():
            self._hurry(facts)
        if facts:
            self._answer(facts)

    def _go_on(
        self, steps: Steps[Wait, F], resume: Callable[[], Wait], before: Wait | None, facts: list[F]
    ) -> None:
        """Have a delivery do its next step. before: what it has waited for until now."""
        try:
            wait = resume()
        except StopIteration as end:
            facts.append(end.value)
            return
        try:
            self._watch(wait, before)
        except OSError as error:
            # The kernel has no room for one more.
            self._go_on(steps, partial(steps.throw, error), None, facts)
            return
        self._under_way[wait.socket.fileno()] = steps, wait
        self._look_at = min(self._look_at, wait.until)

    def _watch(self, wait: Wait, before: Wait | None) -> None:
        # Heard of once for each wait, so that nothing is heard of one that has ended. The next may have its number.
        watch = (
            self._poll.register if before is None or wait.socket is not before.socket else self._poll.modify
        )
        watch(wait.socket, wait.events | select.EPOLLONESHOT)

    def _hurry(self, facts: list[F]) -> None:
        """Tell the deliveries whose time is up, and find out when that is for the next."""
        now = monotonic()
        late = [descriptor for descriptor, (_, wait) in self._under_way.items() if wait.until <= now]
        for descriptor in late:
            steps, wait = self._under_way.pop(descriptor)
            self._go_on(steps, partial(steps.throw, TimeoutError("timed out")), wait, facts)
        self._look_at = min((wait.until for _, wait in self._under_way.values()), default=_NEVER)
