"""The loop's order of things, on a clock that jumps."""

from __future__ import annotations

import os
import selectors
from collections import deque
from collections.abc import Callable, Iterable

from supervisor.core.effects import Effect, Exit, Spawn, Stop, note
from supervisor.core.events import Event, OrphanReaped, SignalReceived, StopRequested, Tick, WorkerSpawned
from supervisor.core.instants import NEVER, Instant, after
from supervisor.core.names import SignalName, WorkerName
from supervisor.runtime.inbox import Inbox
from supervisor.runtime.loop import Loop
from supervisor.runtime.meaning import CHILD_ENDED
from supervisor.runtime.perform import Performer
from tests.unit.runtime.shell import JumpingClock, JumpingSelector, Recorder, SignalList

WEB = WorkerName("web")
FIRST = WorkerSpawned(WEB, 1)
LAST = StopRequested("SIGTERM")
TERM = 15
USR1 = 10


class Script:
    """An engine that does what the test says: `answers` maps a fact to orders, LAST always ends the loop."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, Event]] = []
        self.answers: dict[Event, tuple[Effect, ...]] = {LAST: (Exit(3),)}
        self.wakes: deque[Instant] = deque()
        self.on: dict[Event, Callable[[], object]] = {}
        self.foresees: tuple[Effect, ...] = ()
        self.foreseen: tuple[Effect, ...] = ()

    def handle(self, event: Event, now: Instant) -> tuple[Effect, ...]:
        self.seen.append((now, event))
        if isinstance(event, Tick) and self.wakes:
            self.wakes.popleft()
        self.on.get(event, lambda: None)()
        return self.answers.get(event, ())

    def wake_at(self) -> Instant:
        return self.wakes[0] if self.wakes else NEVER

    def is_working(self) -> bool:
        return False

    def foresee_stop(self, now: Instant) -> None:
        self.foreseen = self.foresees

    def foreseen_stop(self, now: Instant) -> tuple[Effect, ...]:
        return self.foreseen

    @property
    def events(self) -> list[Event]:
        return [event for _, event in self.seen]


class Stage:
    """A loop with everything around it in reach."""

    def __init__(self) -> None:
        self.clock, self.engine, self.ports = JumpingClock(), Script(), Recorder()
        self.signals, self.inbox, self.facts = SignalList(), Inbox(), deque[Event]()
        self.selector = JumpingSelector(self.clock)
        self.children: deque[list[Event]] = deque()
        self.recorded: list[tuple[Instant, Event, tuple[Effect, ...]]] = []
        self.alarms: list[OneAlarm] = []

    def run(self) -> int:
        performer = Performer(self.ports, None, None, self.ports, lambda: (), lambda: None, 1.0)
        self.loop = Loop(
            self.engine,
            performer,
            self.clock,
            self.signals,
            lambda number: LAST if number == TERM else SignalReceived(SignalName(str(number))),
            self._reap,
            self.inbox,
            self.selector,
            self.facts,
            lambda *entry: self.recorded.append(entry),
            lambda: None,
            self.alarms,
        )
        return self.loop.run(FIRST)

    def _reap(self) -> Iterable[Event]:
        return self.children.popleft() if self.children else ()


class OneAlarm:
    def __init__(self, stage: Stage, at: float) -> None:
        self._stage, self._at = stage, Instant(at)

    def wake_at(self) -> Instant:
        return self._at

    def wake(self) -> None:
        self._at = NEVER
        self._stage.signals.put(TERM)


def test_it_begins_with_the_first_fact_and_ends_with_the_order_to_exit() -> None:
    """The status of the order to exit is the loop's result, and everything was recorded."""
    stage = Stage()
    stage.signals.put(TERM)
    assert stage.run() == 3
    assert stage.engine.events == [FIRST, LAST]
    assert stage.recorded == [(100.0, FIRST, ()), (100.0, LAST, (Exit(3),))]


def test_nothing_is_decided_after_the_order_to_exit() -> None:
    """Facts that come with the last one are not looked at any more."""
    stage = Stage()
    stage.signals.put(TERM, USR1)
    stage.inbox.post(OrphanReaped(5, 0))
    assert stage.run() == 3
    assert stage.engine.events == [FIRST, LAST]


def test_it_waits_until_the_engine_wants_to_be_woken() -> None:
    """The clock's fact comes at the instant the engine asked for, and not before."""
    stage = Stage()
    stage.engine.wakes += [Instant(105.0), Instant(230.0)]
    stage.engine.on[Tick()] = lambda: None if stage.engine.wakes else stage.signals.put(TERM)
    stage.run()
    assert stage.engine.seen == [(100.0, FIRST), (105.0, Tick()), (230.0, Tick()), (230.0, LAST)]


def test_without_a_deadline_it_waits_for_ever() -> None:
    """Where only a fact can change anything the wait has no end that matters: a day."""
    stage = Stage()
    stage.alarms.append(OneAlarm(stage, 100.0 + 3 * 86_400))
    stage.run()
    assert stage.selector.waits[:3] == [86_400.0] * 3


def test_signals_come_before_everything_else() -> None:
    """What the inbox holds waits until the signals have been looked at."""
    stage = Stage()
    orphan = OrphanReaped(5, 0)
    stage.inbox.post(orphan)
    stage.signals.put(USR1)
    stage.engine.on[orphan] = lambda: stage.signals.put(TERM)
    stage.run()
    assert stage.engine.events == [FIRST, SignalReceived(SignalName("10")), orphan, LAST]


def test_a_signal_cuts_the_turn_short() -> None:
    """Of many sockets that are ready, none is served any more once a signal has come; they are not forgotten."""
    stage = Stage()
    order = list[str]()
    pipes = [os.pipe() for _ in range(5)]
    for reader, writer in pipes:
        os.write(writer, b"x")

        def serve(reader: int = reader) -> None:
            os.read(reader, 1)
            order.append("served")
            stage.signals.put(USR1 if order.count("served") < 5 else TERM)

        stage.selector.register(reader, selectors.EVENT_READ, serve)
    stage.engine.on[SignalReceived(SignalName("10"))] = lambda: order.append("signal")
    stage.run()
    assert order == ["served", "signal"] * 4 + ["served"]


def test_a_signal_does_not_wait_for_all_that_one_socket_has_brought() -> None:
    """Of the facts of one read, those that are left when a signal comes are decided on after it."""
    stage = Stage()
    reader, writer = os.pipe()
    os.write(writer, b"x")
    found = [OrphanReaped(number, 0) for number in range(3)]

    def serve() -> None:
        os.read(reader, 1)
        stage.facts.extend(found)

    stage.selector.register(reader, selectors.EVENT_READ, serve)
    stage.engine.on[found[0]] = lambda: stage.signals.put(USR1)
    stage.engine.on[found[2]] = lambda: stage.signals.put(TERM)
    stage.run()
    assert stage.engine.events == [FIRST, found[0], SignalReceived(SignalName("10")), *found[1:], LAST]


def test_what_was_said_before_a_stop_request_counts_before_it() -> None:
    """A job whose hook has spoken is known when the stop is decided on; so is one who had only just connected."""
    stage = Stage()
    readers = [os.pipe() for _ in range(2)]
    found = [OrphanReaped(1, 0), OrphanReaped(2, 0)]

    def accept() -> None:
        os.read(readers[0][0], 1)
        stage.facts.append(found[0])
        os.write(readers[1][1], b"x")
        stage.selector.register(readers[1][0], selectors.EVENT_READ, serve)

    def serve() -> None:
        os.read(readers[1][0], 1)
        stage.facts.append(found[1])

    os.write(readers[0][1], b"x")
    stage.selector.register(readers[0][0], selectors.EVENT_READ, accept)
    stage.signals.put(TERM)
    stage.run()
    assert stage.engine.events == [FIRST, *found, LAST]


def test_what_a_stop_means_for_the_worker_is_carried_out_first_and_once() -> None:
    """The orders that were foreseen go out before the engine is asked, and are not repeated when it gives them."""
    stage = Stage()
    stop, told = Stop(WEB, SignalName("TERM")), note("task.draining")
    stage.engine.foresees = (stop,)
    stage.engine.answers[LAST] = (told, stop, Exit(3))
    stage.engine.on[FIRST] = lambda: stage.inbox.post(OrphanReaped(5, 0))
    stage.engine.on[OrphanReaped(5, 0)] = lambda: None
    stage.engine.wakes.append(Instant(101.0))
    stage.engine.on[Tick()] = lambda: stage.signals.put(TERM)
    stage.run()
    names = [call[0] for call in stage.ports.calls]
    assert names.count("stop") == 1
    assert names.index("stop") < names.index("write")


def test_what_a_socket_brings_is_decided_on_at_once() -> None:
    """Facts that a socket's callable has found out reach the engine in their order."""
    stage = Stage()
    reader, writer = os.pipe()
    os.write(writer, b"x")
    found: list[Event] = [OrphanReaped(1, 0), OrphanReaped(2, 0), LAST]
    stage.selector.register(reader, selectors.EVENT_READ, lambda: stage.facts.extend(found))
    stage.run()
    assert stage.engine.events == [FIRST, *found]


def test_a_start_is_followed_by_its_fact() -> None:
    """The fact that an order brings about is the engine's next one."""
    stage = Stage()
    again = SignalReceived(SignalName("10"))
    stage.engine.answers[again] = (Spawn(WEB),)
    stage.engine.on[WorkerSpawned(WEB, 7)] = lambda: stage.signals.put(TERM)
    stage.signals.put(USR1)
    stage.run()
    assert stage.engine.events == [FIRST, again, WorkerSpawned(WEB, 7), LAST]


def test_children_are_collected_until_there_are_no_more() -> None:
    """However many ended, all are collected, in portions between which the loop does not wait."""
    stage = Stage()
    portions: list[list[Event]] = [[OrphanReaped(1, 0)], [OrphanReaped(2, 0)], [], [OrphanReaped(3, 0)], []]
    stage.children += portions
    stage.engine.wakes.append(Instant(105.0))
    stage.engine.on[Tick()] = lambda: stage.signals.put(CHILD_ENDED)
    stage.engine.on[OrphanReaped(3, 0)] = lambda: stage.signals.put(TERM)
    stage.run()
    orphans = [OrphanReaped(number, 0) for number in (1, 2, 3)]
    assert stage.engine.events == [FIRST, *orphans[:2], Tick(), orphans[2], LAST]
    assert stage.selector.waits[:3] == [0.0, 0.0, 5.0]


def test_the_first_stop_request_is_remembered() -> None:
    """When the way out began is known even if the engine fails over it."""
    stage = Stage()
    stage.engine.answers[LAST] = ()
    stage.engine.wakes.append(after(stage.clock.now(), 5))
    stage.engine.on[Tick()] = lambda: stage.inbox.post(StopRequested("again"))
    stage.engine.answers[StopRequested("again")] = (Exit(0),)
    stage.signals.put(TERM)
    stage.run()
    assert stage.loop.stop_asked_at == 100.0
