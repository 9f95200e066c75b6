"""The loop's order of things, on a clock that jumps."""

from __future__ import annotations

import os
import selectors
from collections import deque
from collections.abc import Callable, Iterable

from supervisor.core.effects import Effect, Exit, Forward, Spawn, Stop, note
from supervisor.core.events import (
    Event,
    HoldTaken,
    OrphanReaped,
    SignalReceived,
    StopRequested,
    Tick,
    WorkerSpawned,
)
from supervisor.core.foresight import Foresight
from supervisor.core.instants import NEVER, Instant, after
from supervisor.core.names import HolderId, HoldId, SignalName, WorkerName
from supervisor.runtime.inbox import Inbox, Question
from supervisor.runtime.loop import BREATH_SECONDS, Loop
from supervisor.runtime.meaning import CHILD_ENDED
from supervisor.runtime.perform import Performer
from supervisor.runtime.reflex import Reflex
from tests.unit.runtime.shell import JumpingClock, JumpingSelector, Recorder, SignalList

WEB = WorkerName("web")
FIRST = WorkerSpawned(WEB, 1)
LAST = StopRequested("SIGTERM")
TERM = 15
USR1 = 10
USR1_NAME = SignalName("10")
STOP = Stop(WEB, SignalName("TERM"))


class Script:
    """An engine that does what the test says: `answers` maps a fact to orders, LAST always ends the loop."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, Event]] = []
        self.answers: dict[Event, tuple[Effect, ...]] = {LAST: (Exit(3),)}
        self.wakes: deque[Instant] = deque()
        self.on: dict[Event, Callable[[], object]] = {}
        self.foresight: Foresight | None = None
        self.is_foreseen = False
        self.working = False

    def handle(self, event: Event, now: Instant) -> tuple[Effect, ...]:
        self.seen.append((now, event))
        if isinstance(event, Tick) and self.wakes:
            self.wakes.popleft()
        self.on.get(event, lambda: None)()
        return self.answers.get(event, ())

    def wake_at(self) -> Instant:
        return self.wakes[0] if self.wakes else NEVER

    def is_working(self) -> bool:
        return self.working

    def foresee(self, now: Instant) -> Foresight | None:
        self.is_foreseen = True
        return self.foresight

    def foreseen(self, now: Instant) -> Foresight | None:
        return self.foresight if self.is_foreseen else None

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
        self.reap = self._reap
        self.breaths: list[float] = []

    def breathe(self, seconds: float) -> None:
        self.breaths.append(seconds)
        self.clock.seconds += seconds

    def run(self) -> int:
        performer = Performer(self.ports, None, None, self.ports, lambda: (), lambda: None, 1.0)
        self.loop = Loop(
            self.engine,
            performer,
            self.clock,
            self.signals,
            Reflex((TERM,), {USR1: USR1_NAME}, performer, self.selector.fileno()),
            lambda number: LAST if number == TERM else SignalReceived(SignalName(str(number))),
            lambda: self.reap(),
            self.inbox,
            self.selector,
            self.facts,
            lambda *entry: self.recorded.append(entry),
            lambda: None,
            self.alarms,
            self.breathe,
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


def test_a_question_is_answered_when_its_facts_are_decided() -> None:
    """Nothing else is decided between the facts that came with it and the answer."""
    stage = Stage()
    seen: list[list[Event]] = []
    stage.inbox.post(Question((OrphanReaped(5, 0),), lambda: seen.append(stage.engine.events)))
    stage.inbox.post(OrphanReaped(6, 0))
    stage.engine.on[OrphanReaped(6, 0)] = lambda: stage.signals.put(TERM)
    stage.run()
    assert seen == [[FIRST, OrphanReaped(5, 0)]]


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


def talker(stage: Stage, *numbers: int) -> None:
    """Have somebody say so many facts in each of so many turns, then ask for the end."""
    reader, writer = os.pipe()
    os.write(writer, b"x" * len(numbers))
    turns = iter(numbers)

    def serve() -> None:
        os.read(reader, 1)
        stage.facts.extend(OrphanReaped(each, 0) for each in range(next(turns)))

    stage.selector.register(reader, selectors.EVENT_READ, serve)
    stage.alarms.append(OneAlarm(stage, 200.0))


def test_who_asks_does_not_wait_until_all_hooks_were_heard() -> None:
    """While hooks say much it is looked in between whether anybody has posted something."""
    stage = Stage()
    question = OrphanReaped(1000, 0)
    stage.engine.on[OrphanReaped(3, 0)] = lambda: stage.inbox.post(question)
    talker(stage, 100)
    stage.run()
    assert stage.engine.events.index(question) == 21
    assert stage.engine.events[:4] == [FIRST, *(OrphanReaped(each, 0) for each in range(3))]
    assert len(stage.engine.events) == 103


def test_while_much_is_said_it_is_heard_a_breath_later() -> None:
    """A worker whose jobs follow each other closely costs one turn for many of them; the first is heard at once."""
    stage = Stage()
    talker(stage, 1, 1, 1, 1)
    stage.run()
    assert stage.breaths == [BREATH_SECONDS] * 3


def test_where_a_turn_hears_much_there_is_no_pause() -> None:
    """There may be more, and whoever says it waits for room."""
    stage = Stage()
    talker(stage, 50, 50, 50)
    stage.run()
    assert stage.breaths == []


def test_a_breath_does_not_make_a_deadline_late() -> None:
    """It ends when the engine wants to be woken."""
    stage = Stage()
    stage.engine.wakes.append(Instant(100.001))
    talker(stage, 1, 1)
    stage.run()
    assert len(stage.breaths) == 1
    assert stage.breaths[0] < BREATH_SECONDS
    assert (100.001, Tick()) in stage.engine.seen


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
    stage.engine.foresight = Foresight((), (WEB,), (STOP,), ())
    stage.engine.answers[LAST] = (note("task.draining"), STOP, Exit(3))
    stage.engine.wakes.append(Instant(101.0))
    stage.engine.on[Tick()] = lambda: stage.signals.put(TERM)
    stage.run()
    assert [call[0] for call in stage.ports.calls] == ["stop", "write", "sweep"]


def sleeping(stage: Stage, act: Callable[[], object]) -> None:
    """Do something, once, when the loop has gone to sleep."""
    stage.selector.asleep.append(act)


def test_a_stop_is_carried_out_in_the_handler_and_told_afterwards() -> None:
    """While the loop sleeps the worker has its signal before the loop even wakes, and gets it once."""
    stage = Stage()
    stage.engine.foresight = Foresight((), (WEB,), (STOP,), ())
    stage.engine.answers[LAST] = (note("task.draining"), STOP, Exit(3))
    stopped = list[bool]()
    sleeping(
        stage, lambda: stopped.append(stage.signals.deliver(TERM) and stage.ports.calls[-1][0] == "stop")
    )
    stage.run()
    assert stopped == [True]
    assert [call[0] for call in stage.ports.calls] == ["stop", "write", "sweep"]
    assert stage.engine.events == [FIRST, LAST]


def test_a_repeated_stop_is_not_carried_out_again() -> None:
    """Of two stop signals the worker sees one, also when the engine orders nothing for the second."""
    stage = Stage()
    stage.engine.foresight = Foresight((), (WEB,), (STOP,), (STOP,))
    done = list[bool]()
    sleeping(stage, lambda: done.extend((stage.signals.deliver(TERM), stage.signals.deliver(TERM))))
    stage.engine.answers[LAST] = (STOP,)
    stage.engine.on[LAST] = lambda: stage.engine.answers.update({LAST: (Exit(3),)})
    stage.run()
    assert done == [True, False]
    assert [call[0] for call in stage.ports.calls] == ["stop", "sweep"]


def test_what_was_said_before_a_signal_keeps_the_handler_from_acting() -> None:
    """A socket that has something to say may say that a job has begun, so the loop hears it first."""
    stage = Stage()
    stage.engine.foresight = Foresight((), (WEB,), (STOP,), ())
    reader, writer = os.pipe()
    begun = OrphanReaped(1, 0)

    def serve() -> None:
        os.read(reader, 1)
        stage.facts.append(begun)

    stage.selector.register(reader, selectors.EVENT_READ, serve)
    stage.engine.on[begun] = lambda: setattr(stage.engine, "working", True)
    done = list[bool]()

    def speak_and_stop() -> None:
        os.write(writer, b"x")
        done.append(stage.signals.deliver(TERM))

    sleeping(stage, speak_and_stop)
    stage.run()
    assert done == [False]
    assert stage.engine.events == [FIRST, begun, LAST]
    assert [call[0] for call in stage.ports.calls] == ["sweep"]


def test_where_work_makes_no_difference_the_handler_acts_at_once() -> None:
    """Where the worker is stopped whatever is in flight, it is also while sockets are served."""
    stage = Stage()
    stage.engine.foresight = Foresight((), (WEB,), (STOP,), (STOP,))
    stage.engine.answers[LAST] = (STOP, Exit(3))
    reader, writer = os.pipe()
    done = list[bool]()
    begun = HoldTaken(HoldId("1"), HolderId("alice"), "mail")

    def serve() -> None:
        os.read(reader, 1)
        stage.facts.append(begun)

    stage.selector.register(reader, selectors.EVENT_READ, serve)
    stage.engine.on[begun] = lambda: done.append(stage.signals.deliver(TERM))
    sleeping(stage, lambda: os.write(writer, b"x"))
    stage.run()
    assert done == [True]
    assert [call[0] for call in stage.ports.calls] == ["stop", "sweep"]
    assert stage.engine.events == [FIRST, begun, LAST]


def test_a_signal_is_passed_on_in_the_handler_once() -> None:
    """What is meant for the worker reaches it before the engine hears of it, however often it comes."""
    stage = Stage()
    received = SignalReceived(USR1_NAME)
    stage.engine.foresight = Foresight((), (WEB,))
    stage.engine.answers[received] = (Forward(WEB, USR1_NAME),)
    done = list[bool]()
    sleeping(stage, lambda: done.extend((stage.signals.deliver(USR1), stage.signals.deliver(USR1))))
    sleeping(stage, lambda: stage.signals.put(TERM))
    stage.run()
    assert done == [True, True]
    assert stage.ports.calls == [("signal", WEB, USR1_NAME)] * 2 + [("sweep", 1.0)]
    assert stage.engine.events == [FIRST, received, received, LAST]


def test_the_handler_does_nothing_once_another_fact_was_decided_on() -> None:
    """What is foreseen holds until something else than work is decided on, an order to the worker or the end of a child."""
    stage = Stage()
    stage.engine.foresight = Foresight((), (WEB,), (STOP,), (STOP,))
    done = list[bool]()

    def end_child() -> Iterable[Event]:
        done.append(stage.signals.deliver(USR1))
        return ()

    stage.reap = end_child
    sleeping(stage, lambda: stage.signals.put(CHILD_ENDED))
    sleeping(stage, lambda: stage.signals.put(TERM))
    stage.run()
    assert done == [False, False]


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
