"""Looks at the worker through one probe, again and again, in a thread of its own, and says what that means.

One thread for each probe, because a look may hang (a mount that is gone, a process in the kernel's hands) and the others
should go on. What a look costs is measured, and the next one waits until all of them together take no more than a hundredth
of a core; while somebody waits for the answer, ten times that.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from supervisor.core.effects import Note, note
from supervisor.core.events import HoldReleased, HoldTaken
from supervisor.core.instants import Instant, after, earliest
from supervisor.core.probing import (
    Gone,
    Order,
    ProbePolicy,
    Sample,
    Unknown,
    Welcome,
    begin,
    decides_at,
    is_deciding,
    step,
)
from supervisor.ports import Clock, Sampler

INTERVAL_SECONDS = 1.0

# Of a core, for all probes together.
SHARE = 0.01
_SHARE_WHILE_DECIDING = 0.1

# The newest look weighs so much in what the next one is expected to cost: one slow look is no slow probe.
_WEIGHT = 0.3


class Watch:
    """make: gives the sampler, called in the thread that uses it. share: of a core, for this probe.

    post: takes what becomes of the hold. tell: takes notes for people. nothing_left: whether no process of the worker's is
    left. counts_children: whether a look's cost is in processes that were collected meanwhile.
    """

    def __init__(
        self,
        policy: ProbePolicy,
        make: Callable[[], Sampler],
        share: float,
        clock: Clock,
        post: Callable[[HoldTaken | HoldReleased], None],
        tell: Callable[[Note], None],
        nothing_left: Callable[[], bool],
        counts_children: bool = False,
    ) -> None:
        self._make = make
        self._share = share
        self._clock = clock
        self._post = post
        self._tell = tell
        self._nothing_left = nothing_left
        self._counts_children = counts_children
        self._sampler: Sampler | None = None
        self._accepting = True
        self._worker_has_ended = False
        self._closed = False
        self._bell = threading.Event()
        self._cost: float | None = None
        self._told_slow = False
        self._state, orders = begin(policy)
        self._carry_out(orders)

    def announce(self, accepting: bool) -> None:
        """Take note whether new work is welcome; from any thread, waits for nothing."""
        if accepting != self._accepting:
            self._accepting = accepting
            self._bell.set()

    def worker_ended(self) -> None:
        """Take note that the worker's main process has ended; from any thread, waits for nothing."""
        self._worker_has_ended = True
        self._bell.set()

    def close(self) -> None:
        self._closed = True
        self._bell.set()

    def work(self) -> None:
        """Look until it is closed."""
        while not self._closed:
            self._bell.clear()
            if self._accepting != self._state.accepting:
                self._take(Welcome(self._accepting), self._clock.now())
            # A look's word is as old as its beginning.
            began_at = self._clock.now()
            self._take(self._look(), began_at)
            self._bell.wait(self._pause())

    def _look(self) -> Sample:
        try:
            if self._worker_has_ended and self._nothing_left():
                return Gone()
            if self._sampler is None:
                # Loads libraries, once: not a part of what a look costs.
                self._sampler = self._make()
            used = self._used()
            try:
                return self._sampler.look()
            finally:
                self._count(self._used() - used)
        except Exception as error:  # noqa: BLE001 - whatever it is, this look could not tell
            return Unknown(f"{type(error).__name__}: {error}")

    def _take(self, fact: Sample | Welcome, now: Instant) -> None:
        self._state, orders = step(self._state, fact, now)
        self._carry_out(orders)

    def _carry_out(self, orders: tuple[Order, ...]) -> None:
        for order in orders:
            if isinstance(order, Note):
                self._tell(order)
            else:
                self._post(order)

    def _used(self) -> float:
        own = time.thread_time()
        if not self._counts_children:
            return own
        # Everything that was collected meanwhile; an orphan that ended just then makes the next look a little later.
        times = os.times()
        return own + times.children_user + times.children_system

    def _count(self, seconds: float) -> None:
        self._cost = seconds if self._cost is None else self._cost + _WEIGHT * (seconds - self._cost)

    def _pause(self) -> float:
        share = self._share * (_SHARE_WHILE_DECIDING / SHARE if is_deciding(self._state) else 1.0)
        pause = max(INTERVAL_SECONDS, (self._cost or 0.0) / share)
        if pause >= 2 * INTERVAL_SECONDS and not self._told_slow:
            self._told_slow = True
            self._tell(
                note(
                    "probe.slow",
                    probe=self._state.policy.name,
                    costs=round(self._cost or 0.0, 4),
                    interval=round(pause, 1),
                )
            )
        now = self._clock.now()
        return max(0.0, earliest(after(now, pause), decides_at(self._state)) - now)
