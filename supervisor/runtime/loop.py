"""The loop of the deciding thread: wait, collect facts, let the engine decide, carry out what it orders.

Signals come first in every turn, and a turn that serves sockets is cut short when one arrives; so a stop request waits for
one short read at most, however busy the hooks are. With one exception: what a hook had said before the first stop request
counts before it, or a worker would be stopped in a job that had just begun. What a signal means for the worker is worked out
while there is nothing else to do, so that it is on its way before the rest is decided: mostly by the reflex, in the
handler, else here. Idle, the loop waits for ever: nothing is polled. While hooks say much they are heard some milliseconds
later and many at a time: a turn costs more than what it hears, and a busy worker needs the processor itself.
"""

from __future__ import annotations

import selectors
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from supervisor.core.effects import Effect, Exit, Kill, Quiet, Resume, Spawn, Stop
from supervisor.core.events import (
    Event,
    HoldRefreshed,
    HoldReleased,
    HoldTaken,
    JobsCounted,
    StopRequested,
    Tick,
)
from supervisor.core.foresight import Foresight
from supervisor.core.instants import Instant, earliest
from supervisor.ports import Clock

from .inbox import Question
from .meaning import CHILD_ENDED
from .reflex import Early, Reflex

# So many things that were said before a stop request are heard before it; they take some milliseconds at worst, and few
# say anything in the same instant. Counted, not timed: on a busy machine time passes without anything being heard.
_HEARD_OUT_FACTS = 250

# What hooks say may lie for so long while they say much. (Those for Python then say little by themselves: hooks/_breath.py.)
# Nobody waits for it: a job waits for an answer only under `protect before-start`, where there is no such pause, and a drain
# or a request to the agent can be so much later.
BREATH_SECONDS = 0.004

# A turn that has heard so much was worth its price, and there may be more.
_WORTH_A_TURN_FACTS = 20

# After so many facts of the hooks it is looked whether another thread has posted any.
_AT_A_STRETCH_FACTS = 20

# epoll takes at most 24 days, in milliseconds; waking up once a day costs nothing.
_LONGEST_WAIT_SECONDS = 86_400.0

# Work that begins and ends is foreseen; any other fact may change what a signal means for the worker.
_FORESEEN = frozenset((HoldTaken, HoldRefreshed, HoldReleased, JobsCounted))

# So do these orders, whatever they follow from.
_TO_WORKERS = (Quiet, Resume, Stop, Kill, Spawn, Exit)


class Decides(Protocol):
    def handle(self, event: Event, now: Instant) -> tuple[Effect, ...]: ...

    def wake_at(self) -> Instant: ...

    def is_working(self) -> bool: ...

    def foresee(self, now: Instant) -> Foresight | None: ...

    def foreseen(self, now: Instant) -> Foresight | None: ...


class TakesSignals(Protocol):
    """came: whether one has come since the last `take`.

    arm: have these called in the handler until `disarm` or `take`, by a signal's number.
    """

    @property
    def came(self) -> bool: ...

    def fileno(self) -> int: ...

    def take(self) -> list[int]: ...

    def arm(self, actions: Mapping[int, Callable[[int], bool]]) -> None: ...

    def disarm(self) -> None: ...


class TakesFacts(Protocol):
    @property
    def has_some(self) -> bool: ...

    def fileno(self) -> int: ...

    def take(self) -> list[Event | Question]: ...


class Performs(Protocol):
    @property
    def exit_status(self) -> int | None: ...

    def perform(self, effect: Effect) -> Event | None: ...


class Alarm(Protocol):
    """Something else that has to do a thing at an instant."""

    def wake_at(self) -> Instant: ...

    def wake(self) -> None: ...


class Loop:
    """selector: whoever registers with it gives a callable as its data, which is called when it is ready.

    facts: what those callables have found out; emptied after each of them. record: takes every decision. before_waiting:
    called when all is decided, for what should not delay a decision. breathe: waits so many seconds, or until a signal or
    something in the inbox comes; None where what hooks say is always heard at once.
    """

    def __init__(
        self,
        engine: Decides,
        performer: Performs,
        clock: Clock,
        signals: TakesSignals,
        reflex: Reflex,
        meaning: Callable[[int], Event | None],
        reap: Callable[[], Iterable[Event]],
        inbox: TakesFacts,
        selector: selectors.BaseSelector,
        facts: deque[Event],
        record: Callable[[Instant, Event, tuple[Effect, ...]], None],
        before_waiting: Callable[[], None],
        alarms: Iterable[Alarm] = (),
        breathe: Callable[[float], object] | None = None,
    ) -> None:
        self._engine = engine
        self._performer = performer
        self._clock = clock
        self._signals = signals
        self._reflex = reflex
        self._meaning = meaning
        self._reap = reap
        self._inbox = inbox
        self._selector = selector
        self._facts = facts
        self._record = record
        self._before_waiting = before_waiting
        self._alarms = tuple(alarms)
        self._breathe = breathe
        self._heard_at = Instant(0.0)
        self._heard_facts = 0
        # When the clock of the way out began, for whoever has to finish it should this loop fail.
        self.stop_asked_at: Instant | None = None
        self._ready: list[Callable[[], object]] = []
        # A child may have ended before anybody listened.
        self._children_ended = True
        selector.register(signals.fileno(), selectors.EVENT_READ, _nothing_more)
        selector.register(inbox.fileno(), selectors.EVENT_READ, _nothing_more)

    def run(self, first: Event) -> int:
        """Begin with this fact; return the status to exit with."""
        self._feed(first)
        try:
            while self._performer.exit_status is None:
                self._turn()
        finally:
            self._signals.disarm()
        return self._performer.exit_status

    def _turn(self) -> None:
        self._take_signals()
        self._collect_children()
        self._take_posted()
        if self._performer.exit_status is not None:
            return
        self._signals.arm(self._reflex.actions)
        self._serve()
        self._look_at_clock()
        self._before_waiting()
        self._reflex.expect(self._engine.foresee(self._clock.now()), self._engine.is_working())
        patience = self._patience()
        self._reflex.asleep = patience > 0
        if self._breathe is not None and self._is_told_much() and patience > 0:
            self._breathe(min(patience, BREATH_SECONDS))
            patience = self._patience()
        self._ready = [key.data for key, _ in self._selector.select(patience)]
        self._reflex.asleep = False

    def _is_told_much(self) -> bool:
        """Say whether little was said in this turn, and right after another in which something was said."""
        if not self._heard_facts:
            return False
        heard_at, self._heard_at = self._heard_at, self._clock.now()
        return self._heard_facts < _WORTH_A_TURN_FACTS and self._heard_at - heard_at < 2 * BREATH_SECONDS

    def _patience(self) -> float:
        if self._children_ended or self._facts or self._performer.exit_status is not None:
            return 0.0
        wake_at = earliest(self._engine.wake_at(), *(alarm.wake_at() for alarm in self._alarms))
        return min(max(0.0, wake_at - self._clock.now()), _LONGEST_WAIT_SECONDS)

    def _take_signals(self) -> None:
        for number in self._signals.take():
            if number == CHILD_ENDED:
                self._children_ended = True
            elif (event := self._meaning(number)) is not None:
                self._take_signal(number, event)

    def _take_signal(self, number: int, event: Event) -> None:
        early = self._reflex.early_for(number)
        if self.stop_asked_at is None and isinstance(event, StopRequested):
            # Also while work is known to be in flight: its end may have been said, and the begin of the next.
            if early is None or early.hear_first:
                self._hear_out()
            if early is None:
                early = self._carry_out_early(number)
        self._feed(event)
        if early is not None:
            self._reflex.told(early)

    def _carry_out_early(self, number: int) -> Early | None:
        known = self._engine.foreseen(self._clock.now())
        if known is None:
            return None
        orders = known.stop(self._engine.is_working())
        for order in orders:
            self._performer.perform(order)
        return self._reflex.carried_out(number, orders, hear_first=True)

    def _hear_out(self) -> None:
        """Take in what has been said so far, in two rounds: one who has only just connected is read in the second."""
        # Who was ready in this turn is among those asked here, or has hung up meanwhile.
        self._ready = []
        for _ in range(2):
            ready = [key.data for key, _ in self._selector.select(0.0) if key.data is not _nothing_more]
            for answer in ready:
                if len(self._facts) < _HEARD_OUT_FACTS:
                    answer()
            while self._facts:
                self._feed(self._facts.popleft())
            if not ready:
                return

    def _collect_children(self) -> None:
        if self._children_ended:
            # One that was collected is never signalled: its number may name another.
            self._reflex.forget()
            ended = list(self._reap())
            self._children_ended = bool(ended)
            for event in ended:
                self._feed(event)

    def _take_posted(self) -> None:
        for posted in self._inbox.take():
            if isinstance(posted, Question):
                for event in posted.facts:
                    self._feed(event)
                posted.answer()
            else:
                self._feed(posted)

    def _serve(self) -> None:
        self._heard_facts = 0
        for answer in (_nothing_more, *self._ready):
            answer()
            while self._facts and not self._signals.came:
                self._feed(self._facts.popleft())
                self._heard_facts += 1
                # Somebody waits for the answer to a question, and for what hooks say nobody does.
                if self._heard_facts % _AT_A_STRETCH_FACTS == 0 and self._inbox.has_some:
                    self._take_posted()
            if self._signals.came:
                # The rest waits for the next turn, and who is still ready is named by the selector again.
                return

    def _look_at_clock(self) -> None:
        now = self._clock.now()
        for alarm in self._alarms:
            if alarm.wake_at() <= now:
                alarm.wake()
        if self._engine.wake_at() <= now:
            self._feed(Tick())

    def _feed(self, event: Event) -> None:
        """Let the engine decide on a fact, then on whatever follows from carrying out what it orders."""
        following = deque((event,))
        while following and self._performer.exit_status is None:
            now, fact = self._clock.now(), following.popleft()
            if self.stop_asked_at is None and isinstance(fact, StopRequested):
                self.stop_asked_at = now
            if type(fact) not in _FORESEEN:
                self._reflex.forget()
            effects = self._engine.handle(fact, now)
            self._record(now, fact, effects)
            for effect in effects:
                if isinstance(effect, _TO_WORKERS):
                    self._reflex.forget()
                if self._reflex.was_done(effect):
                    continue
                if (brought := self._performer.perform(effect)) is not None:
                    following.append(brought)


def _nothing_more() -> None:
    """Stand in for what is taken in every turn anyway."""
