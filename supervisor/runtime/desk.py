"""Lets other threads ask the deciding one: a question carries facts in and a look at what became of them out.

The look happens in the same turn as the facts, on the thread that owns the engine, so that nothing is locked and nobody sees
half a decision. Whoever asks waits, within its own limit; the deciding thread waits for nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from supervisor.core.events import Event
from supervisor.core.instants import Instant
from supervisor.core.names import HoldId
from supervisor.core.snapshot import HoldView, Snapshot, Standing
from supervisor.ports import Clock
from supervisor.ports import View as ViewPort

from .inbox import Inbox, Question

T = TypeVar("T")


class Shows(Protocol):
    """What the engine lets be seen."""

    def standing(self, now: Instant) -> Standing: ...

    def hold(self, id_: HoldId, now: Instant) -> HoldView | None: ...

    def hold_count(self) -> int: ...

    def snapshot(self, now: Instant) -> Snapshot: ...


class Desk:
    """Fulfils ports.Desk."""

    def __init__(self, inbox: Inbox, engine: Shows, clock: Clock) -> None:
        self._inbox = inbox
        self._engine = engine
        self._clock = clock
        self.lag = 0.0

    def post(self, event: Event) -> None:
        self._inbox.post(event)

    def ask(self, events: Sequence[Event], look: Callable[[ViewPort], T], limit: float) -> T:
        return self.ask_all(((events, look),), limit)[0]

    def ask_all(
        self, questions: Sequence[tuple[Sequence[Event], Callable[[ViewPort], T]]], limit: float
    ) -> list[T]:
        if not questions:
            return []
        answers: _Answers[T] = _Answers(len(questions))
        asked_at = self._clock.now()

        def question(events: Sequence[Event], look: Callable[[ViewPort], T]) -> Question:
            def turn() -> None:
                now = self._clock.now()
                self.lag = now - asked_at
                answers.work_out(lambda: look(_View(self._engine, now)))

            return Question(events, turn)

        self._inbox.post(*(question(events, look) for events, look in questions))
        return answers.wait(limit)


class _Answers(Generic[T]):
    """Come one after another, from another thread. expected: how many there will be."""

    __slots__ = ("_come", "_error", "_expected", "_values")

    def __init__(self, expected: int) -> None:
        # A lock that the other thread opens with the last one; an Event would be three of them.
        self._come = threading.Lock()
        self._come.acquire()
        self._expected = expected
        self._error: Exception | None = None
        self._values: list[T] = []

    def work_out(self, look: Callable[[], T]) -> None:
        try:
            self._values.append(look())
        except Exception as error:  # noqa: BLE001 - it is the asker's own, and must not end the supervision
            self._error = error
        self._expected -= 1
        if not self._expected:
            self._come.release()

    def wait(self, limit: float) -> list[T]:
        if not self._come.acquire(timeout=limit):
            raise TimeoutError(f"the deciding thread has not come to it within {limit:g} s")
        if self._error is not None:
            raise self._error
        return self._values


class _View:
    """Fulfils ports.View, for one look."""

    __slots__ = ("_engine", "_now")

    def __init__(self, engine: Shows, now: Instant) -> None:
        self._engine = engine
        self._now = now

    def standing(self) -> Standing:
        return self._engine.standing(self._now)

    def hold(self, hold: HoldId) -> HoldView | None:
        return self._engine.hold(hold, self._now)

    def hold_count(self) -> int:
        return self._engine.hold_count()

    def snapshot(self) -> Snapshot:
        return self._engine.snapshot(self._now)
