"""Where whatever talks to the deciding thread is tried out: a real engine, loop, inbox and desk on a thread of their own.

Only the outside is played: the worker does what it is told when the test says so, the protector answers at once or not at
all. Whoever registers with the selector or hears announcements is added before the thread begins:

    arena = Arena(before_start=True)
    arena.hooks.append(HttpApi(..., arena.selector, arena.desk, ...))
    with arena.deciding():
        ...
"""

from __future__ import annotations

import selectors
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from supervisor.adapters.clock import SystemClock
from supervisor.core.effects import (
    Announce,
    Effect,
    Grant,
    LookAtProtection,
    Note,
    Protect,
    Refuse,
    Unprotect,
)
from supervisor.core.engine import Engine
from supervisor.core.events import (
    Event,
    ProtectionAnswer,
    ProtectionCleared,
    ProtectionGranted,
    ProtectionSeen,
    WorkerExited,
    WorkerSpawned,
)
from supervisor.core.holds import HoldPolicy
from supervisor.core.instants import Instant
from supervisor.core.lifecycle import LifecyclePolicy
from supervisor.core.names import HoldId, WorkerName
from supervisor.core.plan import StopPlan
from supervisor.core.policy import Policy
from supervisor.core.protection import ProtectionPolicy
from supervisor.core.sequence import Stage
from supervisor.core.snapshot import HoldView, Snapshot, Standing
from supervisor.core.worker import Restart, RestartPolicy
from supervisor.ports import Hooks, Protector, View
from supervisor.runtime.background import Background
from supervisor.runtime.desk import Desk
from supervisor.runtime.inbox import Inbox, Question
from supervisor.runtime.loop import Alarm, Loop
from supervisor.runtime.perform import Performer
from supervisor.runtime.reflex import Reflex
from tests.unit.runtime.shell import Recorder, SignalList
from tests.waiting import until

T = TypeVar("T")

WORKER = WorkerName("worker")

# Long enough for any test that does not wait for their end, so that a drain stays a drain.
STAGES = (Stage("quiet", None, 60.0), Stage("stop", "TERM", 20.0), Stage("kill", None, 5.0))
STOP_TIMEOUT_SECONDS = 100.0

# What the protector grants.
LEASE_SECONDS = 3600.0


class Arena:
    """protects: whether there is a protector. grants: whether it answers; may be changed at any time. protector: the one
    that is asked instead of one that is played.

    hooks: hear announcements and answers. alarms: are woken at their instants. notes: what people were told, in order.
    record: hears of every decision, as `Tally.count` and `Journal.add` do.
    """

    def __init__(
        self,
        *,
        protects: bool = True,
        grants: bool = True,
        after: float = 0.0,
        before_start: bool = False,
        wait: float = 10.0,
        fail_open: bool = True,
        release_delay: float = 30.0,
    ) -> None:
        self.grants = grants
        self.clock, self.selector, self.facts = SystemClock(), selectors.DefaultSelector(), deque[Event]()
        self.hooks: list[Hooks] = []
        self.protector: Protector | None = None
        self.alarms: list[Alarm] = []
        self.notes: list[Note] = []
        self.orders: list[Effect] = []
        self.record: Callable[[Instant, Event, tuple[Effect, ...]], None] = _ignored
        self.failed: list[BaseException] = []
        self.background = Background(lambda _, error: self.failed.append(error))
        self._inbox = Inbox()
        self._engine = Engine(
            Policy(
                workers=(WORKER,),
                lifecycle=LifecyclePolicy(StopPlan(STAGES, STOP_TIMEOUT_SECONDS, 2.0)),
                holds=HoldPolicy(after, before_start, wait, fail_open),
                restart=RestartPolicy(Restart.NEVER),
                protection=ProtectionPolicy(release_delay=release_delay) if protects else None,
            ),
            self.clock.now(),
            strict=True,
        )
        self.desk = Desk(self._inbox, self._engine, self.clock)
        self._performer = Performer(
            Recorder(), _All(self.hooks), _Protector(self), _Log(self.notes), lambda: (), lambda: None, 1.0
        )

    @contextmanager
    def deciding(self) -> Iterator[Arena]:
        """Let the loop run, with a worker that has just started; in the end all must be well with it."""
        thread = threading.Thread(target=self._decide, name="deciding", daemon=True)
        thread.start()
        until(lambda: self.standing().phase == "running", why="the task runs")
        try:
            yield self
        finally:
            self._inbox.post(Question((), lambda: setattr(self._performer, "exit_status", 0)))
            thread.join(timeout=10)
            for each in self.hooks:
                each.close()
            self.selector.close()
        assert not thread.is_alive()
        assert self.failed == []

    def standing(self) -> Standing:
        return self.look(lambda view: view.standing())

    def snapshot(self) -> Snapshot:
        return self.look(lambda view: view.snapshot())

    def hold(self, id_: str) -> HoldView | None:
        """Return a hold by its whole name, holder and all."""
        return self.look(lambda view: view.hold(HoldId(id_)))

    def look(self, look: Callable[[View], T]) -> T:
        return self.desk.ask((), look, 5.0)

    def tell(self, note: Note) -> None:
        """Take a note of somebody else than the engine."""
        self.notes.append(note)

    def noted(self, name: str) -> list[Note]:
        return [note for note in self.notes if note.name == name]

    def end_worker(self, status: int = 0) -> None:
        self.desk.post(WorkerExited(WORKER, status))

    def answer_late(self) -> None:
        """Grant what was asked for last and not answered."""
        self.grants = True
        [*_, order] = (each for each in self.orders if isinstance(each, Protect))
        self.post_answer(ProtectionGranted(order.attempt, LEASE_SECONDS))

    def post_answer(self, answer: ProtectionAnswer) -> None:
        self.desk.post(answer)

    def _decide(self) -> None:
        signals = SignalList()
        reflex = Reflex((), {}, self._performer, self.selector.fileno())
        loop = Loop(
            self._engine,
            self._performer,
            self.clock,
            signals,
            reflex,
            lambda _: None,
            lambda: (),
            self._inbox,
            self.selector,
            self.facts,
            lambda *decision: self.record(*decision),
            lambda: None,
            self.alarms,
        )
        try:
            loop.run(WorkerSpawned(WORKER, 7))
        except BaseException as error:  # noqa: BLE001 - the test has to see it
            self.failed.append(error)


class _All:
    """Fulfils ports.Hooks for several."""

    def __init__(self, hooks: list[Hooks]) -> None:
        self._hooks = hooks

    def announce(self, news: Announce) -> None:
        for each in self._hooks:
            each.announce(news)

    def answer(self, order: Grant | Refuse) -> None:
        for each in self._hooks:
            each.answer(order)

    def close(self) -> None:
        for each in self._hooks:
            each.close()


class _Protector:
    """Fulfils ports.Protector: answers at once, or not at all."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena

    def submit(self, order: Protect | Unprotect | LookAtProtection) -> None:
        self._arena.orders.append(order)
        if self._arena.protector is not None:
            self._arena.protector.submit(order)
            return
        if not self._arena.grants and isinstance(order, Protect):
            return
        match order:
            case Protect(attempt=attempt):
                self._arena.post_answer(ProtectionGranted(attempt, LEASE_SECONDS))
            case Unprotect(attempt=attempt):
                self._arena.post_answer(ProtectionCleared(attempt))
            case LookAtProtection(attempt=attempt):
                self._arena.post_answer(ProtectionSeen(attempt, None))

    def start(self, answer: Callable[[ProtectionAnswer], None]) -> None:
        """Answers are posted where the arena's facts are."""

    def close(self) -> None:
        """There is nothing to close."""


class _Log:
    """Fulfils ports.Log: keeps what it is given."""

    dropped = 0

    def __init__(self, notes: list[Note]) -> None:
        self._notes = notes

    def write(self, note: Note, context: object) -> None:
        self._notes.append(note)

    def flush(self, limit: float) -> None:
        """There is nothing to wait for."""


def _ignored(now: Instant, fact: Event, effects: tuple[Effect, ...]) -> None:
    """Take no notice."""
