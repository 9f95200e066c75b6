"""The engine: it tells each machine what concerns it, and carries what they tell each other.

Rules
  1. It is the only mutable thing in the core, and one thread owns it.
  2. A fact is taken in at its instant; whatever time alone has made due by then is done first.
  3. What one machine tells another (inner.py) is passed on until nobody has anything new to say.
  4. After Exit it says nothing more.
  5. A move outside a machine's table is a bug: strict engines (tests) raise, the others report it and go on with the
     machine as it was, because PID 1 must not die of it.

Mind: the order in `_couple` is the order of cause and effect, and every message is sent only when it has changed; so
the loop ends. States are values, so a machine that has not moved is the same object as before, and nothing is worked out
from it again: the busiest facts (a job's hold, a signal to pass on) cost one machine and a few comparisons.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import TypeVar

from . import attachments, holds, lifecycle, protection, worker
from .announcing import News, news
from .edges import IllegalMove
from .effects import Dump, Effect, Exit, Level, note
from .events import (
    AdviceGiven,
    DumpRequested,
    Event,
    GateOpened,
    GateShut,
    HolderDied,
    HoldRefreshed,
    HoldReleased,
    HoldTaken,
    HookAttached,
    JobsCounted,
    OrphanReaped,
    ProtectionCleared,
    ProtectionGranted,
    ProtectionRefused,
    ProtectionSeen,
    ProtectionUnknown,
    SignalReceived,
    SpawnFailed,
    StopRequested,
    Tick,
    WorkerExited,
    WorkerSpawned,
    WorkReserved,
)
from .foresight import Foresight, foresee, imagined
from .inner import DemandIs, GatesAre, Inner, ProtectionIs, ProtectionWants, StopBegan, WorkersAre
from .instants import NEVER, Instant, earliest
from .machines import Machines
from .names import WorkerName
from .policy import Policy

S = TypeVar("S")
Step = Callable[[S, Event | Inner, Instant], tuple[S, tuple[Effect, ...]]]


class Engine(Machines):
    """Give it facts with `handle`, in the order of their instants, and carry out what it orders."""

    def __init__(self, policy: Policy, now: Instant, strict: bool = False) -> None:
        super().__init__(policy, now)
        self._strict = strict
        self._now = now
        self._ended = False
        self._told: dict[type, Inner] = {
            DemandIs: DemandIs(wanted=False),
            WorkersAre: self._lifecycle.workers,
            GatesAre: self._lifecycle.gates,
            ProtectionIs: self._holds.protection,
            ProtectionWants: self._lifecycle.protection,
        }
        self._looked_at: dict[str, object] = {}
        self._wakes: dict[str, Instant] = {}
        self._announced: News | None = None
        self._foresight = Foresight(situation=())
        self._wake_at = now

    def handle(self, event: Event, now: Instant) -> tuple[Effect, ...]:
        """Take one fact in and return the orders that follow, in the order in which to carry them out."""
        if self._ended:
            return ()
        now = self._now = max(now, self._now)
        effects: list[Effect] = []
        if isinstance(event, SignalReceived) and now < self._wake_at:
            # It changes nothing here, so nothing has to be passed on, and it does not wait for that.
            self._step_lifecycle(event, now, effects)
            return tuple(effects)
        if self._wake_at <= now and not isinstance(event, Tick):
            self._tick(now, effects)
        if not self._ended:
            self._route(event, now, effects)
        if not self._ended:
            self._couple(now, effects)
            self._announce(now, effects)
        self._wake_at = self._earliest()
        return tuple(effects)

    def wake_at(self) -> Instant:
        """Return the instant at which to send a Tick; NEVER when only a fact can change anything."""
        return self._wake_at

    def foresee(self, now: Instant) -> Foresight | None:
        """Work out what a signal would order workers to do, so that it need not be worked out when one comes."""
        situation = self._situation()
        if situation != self._foresight.situation and now < self._wake_at:
            life = self._lifecycle
            if life.began_at == NEVER:
                self._foresight = foresee(
                    situation, life.workers.alive, lambda it: self._stop_orders(it, now)
                )
            else:
                # Another stop request changes nothing.
                self._foresight = Foresight(situation, life.workers.alive)
        return self.foreseen(now)

    def foreseen(self, now: Instant) -> Foresight | None:
        """Return what a signal would order workers to do now, if that is known already.

        It may be carried out at once; `handle` gives it again, in its place among the other orders.
        """
        known = self._foresight
        return known if now < self._wake_at and known.situation == self._situation() else None

    def _stop_orders(self, working: bool, now: Instant) -> tuple[Effect, ...]:
        try:
            twin = self._twin()
            twin._holds = imagined(self._holds, working, now)
            return twin.handle(StopRequested("foreseen"), now)
        except Exception:
            # A defect on the way out is bad enough when the time has come; it must not end a task that is well.
            if self._strict:
                raise
            return ()

    def _twin(self) -> Engine:
        """Return an engine in the same state; states are values, so only what holds them is copied."""
        twin = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, dict):
                setattr(twin, name, dict(value))
        return twin

    def _route(self, event: Event, now: Instant, effects: list[Effect]) -> None:
        """Give a fact to the machine that it is about."""
        match event:
            case HoldTaken() | HoldRefreshed() | HoldReleased() | JobsCounted():
                self._step_holds(event, now, effects)
            case HolderDied():
                self._step_holds(event, now, effects)
                self._step_hooks(event, now, effects)
            case HookAttached() | GateShut() | GateOpened() | WorkReserved() | AdviceGiven():
                self._step_hooks(event, now, effects)
            case WorkerSpawned(worker=name) | SpawnFailed(worker=name) | WorkerExited(worker=name):
                self._step_worker(name, event, now, effects)
                self._step_hooks(event, now, effects)
            case (
                ProtectionGranted()
                | ProtectionCleared()
                | ProtectionRefused()
                | ProtectionUnknown()
                | ProtectionSeen()
            ):
                self._step_protection(event, now, effects)
            case Tick():
                self._tick(now, effects)
            case DumpRequested():
                effects.append(Dump())
            case OrphanReaped():
                pass
            case _:
                self._step_lifecycle(event, now, effects)

    def _tick(self, now: Instant, effects: list[Effect]) -> None:
        for name in self._workers:
            self._step_worker(name, Tick(), now, effects)
        self._step_holds(Tick(), now, effects)
        self._step_hooks(Tick(), now, effects)
        self._step_protection(Tick(), now, effects)
        self._couple(now, effects)
        if not self._ended:
            self._step_lifecycle(Tick(), now, effects)

    def _couple(self, now: Instant, effects: list[Effect]) -> None:
        """Pass on what the machines have to tell each other until nobody has anything new to say."""
        while not self._ended and (
            self._tell_protection(now, effects)
            or self._tell_holds(now, effects)
            or self._tell_lifecycle(now, effects)
            or self._tell_all(now, effects)
        ):
            pass

    def _tell_protection(self, now: Instant, effects: list[Effect]) -> bool:
        if not self._has_changed("demand", self._holds):
            return False
        message = holds.demand(self._holds, now)
        if not self._is_news(message):
            return False
        self._step_protection(message, now, effects)
        return True

    def _tell_holds(self, now: Instant, effects: list[Effect]) -> bool:
        if not self._has_changed("confirmation", self._protection):
            return False
        message = protection.tells_holds(self._protection, now)
        if not self._is_news(message):
            return False
        self._step_holds(message, now, effects)
        return True

    def _tell_lifecycle(self, now: Instant, effects: list[Effect]) -> bool:
        messages: list[Inner] = []
        if self._has_changed("workers", self._workers):
            messages.append(self._worker_news())
        if self._has_changed("gates", self._hooks):
            messages.append(attachments.gates(self._hooks))
        if self._has_changed("wants", self._protection):
            messages.append(protection.tells_lifecycle(self._protection))
        unheard = [message for message in messages if self._is_news(message)]
        heard = bool(unheard)
        while unheard and not self._has_ended():
            self._step_lifecycle(unheard.pop(0), now, effects)
        # While the task works, the lifecycle need not hear of every job; it is brought up to date when it moves.
        leaving = not self._has_ended() and lifecycle.is_leaving(self._lifecycle)
        return (leaving and self._tell_flight(now, effects)) or heard

    def _tell_flight(self, now: Instant, effects: list[Effect]) -> bool:
        if not self._has_changed("flight", self._holds.open):
            return False
        self._lifecycle = self._step(
            lifecycle.step, self._lifecycle, holds.in_flight(self._holds), now, effects
        )
        self._ended = bool(effects) and isinstance(effects[-1], Exit)
        return True

    def _tell_all(self, now: Instant, effects: list[Effect]) -> bool:
        if self._has_ended() or not lifecycle.is_leaving(self._lifecycle):
            return False
        message = StopBegan(self._lifecycle.by_platform)
        if not self._is_news(message):
            return False
        for name in self._workers:
            self._step_worker(name, message, now, effects)
        self._step_holds(message, now, effects)
        self._step_hooks(message, now, effects)
        self._step_protection(message, now, effects)
        return True

    def _has_ended(self) -> bool:
        return self._ended

    def _has_changed(self, reader: str, state: object) -> bool:
        """Say whether this is another state than the one its reader looked at last."""
        if self._looked_at.get(reader) is state:
            return False
        self._looked_at[reader] = state
        return True

    def _is_news(self, message: Inner) -> bool:
        if self._told.get(type(message)) == message:
            return False
        self._told[type(message)] = message
        return True

    def _announce(self, now: Instant, effects: list[Effect]) -> None:
        """Tell the hooks whatever has changed for them."""
        moved = (self._has_changed("phase", self._lifecycle), self._has_changed("lease", self._protection))
        if self._ended or not any(moved):
            return
        found = news(self._lifecycle, self._protection, now)
        if found != self._announced:
            self._announced = found
            effects.append(found.announce(now))

    def _step_holds(self, event: Event | Inner, now: Instant, effects: list[Effect]) -> None:
        self._holds = self._step(holds.step, self._holds, event, now, effects)

    def _step_hooks(self, event: Event | Inner, now: Instant, effects: list[Effect]) -> None:
        self._hooks = self._step(attachments.step, self._hooks, event, now, effects)

    def _step_protection(self, event: Event | Inner, now: Instant, effects: list[Effect]) -> None:
        self._protection = self._step(protection.step, self._protection, event, now, effects)

    def _step_worker(
        self, name: WorkerName, event: Event | Inner, now: Instant, effects: list[Effect]
    ) -> None:
        known = self._workers.get(name)
        if known is not None and (moved := self._step(worker.step, known, event, now, effects)) is not known:
            self._workers = {**self._workers, name: moved}

    def _step_lifecycle(self, event: Event | Inner, now: Instant, effects: list[Effect]) -> None:
        # The end only where it is imagined that nothing is in flight: else the lifecycle has heard of it on its way out.
        self._tell_flight(now, effects)
        if self._ended:
            return
        self._lifecycle = self._step(lifecycle.step, self._lifecycle, event, now, effects)
        self._ended = bool(effects) and isinstance(effects[-1], Exit)

    def _step(self, step: Step[S], state: S, event: Event | Inner, now: Instant, effects: list[Effect]) -> S:
        try:
            state, more = step(state, event, now)
        except IllegalMove as bug:
            if self._strict:
                raise
            more = (note("bug.illegal_move", Level.ERROR, move=str(bug), event=repr(event)),)
        effects += more
        return state

    def _earliest(self) -> Instant:
        if self._ended:
            return NEVER
        if self._has_changed("protection's wake", self._protection):
            self._wakes["protection"] = protection.wake_at(self._protection)
        if self._has_changed("lifecycle's wake", self._lifecycle):
            self._wakes["lifecycle"] = lifecycle.wake_at(self._lifecycle)
        if self._has_changed("workers' wake", self._workers):
            self._wakes["workers"] = earliest(*(worker.wake_at(each) for each in self._workers.values()))
        return earliest(holds.wake_at(self._holds), attachments.wake_at(self._hooks), *self._wakes.values())
