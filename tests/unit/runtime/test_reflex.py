"""What the signal handler does by itself, and what it leaves to the loop."""

from __future__ import annotations

import gc
import os
import selectors
from collections.abc import Callable
from functools import partial

from supervisor.core.effects import Forward, Kill, Quiet, Stop
from supervisor.core.foresight import Foresight, Urgent
from supervisor.core.names import SignalName, WorkerName
from supervisor.runtime.perform import Performer
from supervisor.runtime.reflex import Reflex
from tests.unit.runtime.shell import Recorder, SignalList

WEB = WorkerName("web")
NAME = SignalName("USR1")
STOP = Stop(WEB, SignalName("TERM"))
TERM, USR1 = 15, 10


class Stage:
    """A reflex with everything around it in reach; the loop sleeps."""

    def __init__(self, ports: Recorder | None = None) -> None:
        self.signals, self.selector = SignalList(), selectors.EpollSelector()
        self.ports = ports or Recorder()
        self.selector.register(self.signals.fileno(), selectors.EVENT_READ)
        self.performer = Performer(self.ports, None, None, self.ports, lambda: (), lambda: None, 1.0)
        self.reflex = Reflex((TERM,), {USR1: NAME}, self.performer, self.selector.fileno())
        self.reflex.asleep = True
        self.signals.arm(self.reflex.actions)

    def expect(self, *idle: Urgent, working: tuple[Urgent, ...] = ()) -> Foresight:
        known = Foresight((), (WEB,), idle, working)
        self.reflex.expect(known, working=False)
        return known


def test_it_does_nothing_without_foresight() -> None:
    """Before anything is expected, and after it was forgotten, every signal is left to the loop."""
    stage = Stage()
    assert not stage.signals.deliver(TERM)
    stage.signals.take()
    stage.expect(STOP)
    stage.reflex.forget()
    stage.signals.arm(stage.reflex.actions)
    assert not stage.signals.deliver(USR1)
    assert stage.ports.calls == []


def test_only_a_loop_that_sleeps_is_sure_to_have_heard_all() -> None:
    """While the loop is awake, a stop that depends on what is in flight is left to it."""
    stage = Stage()
    stage.expect(STOP)
    stage.reflex.asleep = False
    assert not stage.signals.deliver(TERM)
    assert stage.ports.calls == []


def test_of_two_that_come_at_once_each_finds_what_was_done_for_it() -> None:
    """Python runs its handlers in the order of the numbers; the engine is told in the order in which they came."""
    stage = Stage()
    stage.expect(STOP, working=(STOP,))
    stage.signals.put(TERM)
    assert stage.signals.deliver(USR1)
    assert stage.reflex.actions[TERM](TERM)
    assert stage.ports.calls == [("signal", WEB, NAME), ("stop", WEB, "TERM")]
    for number, order in ((TERM, STOP), (USR1, Forward(WEB, NAME))):
        early = stage.reflex.early_for(number)
        assert early is not None
        assert stage.reflex.was_done(order)
        stage.reflex.told(early)
    assert not stage.reflex.was_done(STOP)


class Forbidden(Recorder):
    """Whose worker may not be signalled: it has become another user's."""

    def signal(self, worker: WorkerName, signal: SignalName) -> bool:
        super().signal(worker, signal)
        raise PermissionError

    def prepared(
        self, worker: WorkerName, signal: SignalName, wakes: bool
    ) -> tuple[Callable[[], object], ...]:
        fails = partial(self.signal, worker, signal)
        return (fails, partial(self.stop, worker, signal)) if wakes else (fails,)


def test_a_worker_that_cannot_be_signalled_stops_nothing_else() -> None:
    """In a handler an exception would go to whatever runs; the other steps are taken, and the stop counts as asked."""
    stage = Stage(Forbidden())
    stage.expect(STOP)
    assert stage.signals.deliver(TERM)
    assert stage.signals.deliver(USR1)
    assert stage.ports.calls == [("signal", WEB, "TERM"), ("stop", WEB, "TERM"), ("signal", WEB, NAME)]
    assert stage.performer.asked_to_stop
    assert stage.reflex.was_done(STOP)


def test_a_kill_is_left_to_the_loop() -> None:
    """To kill takes long, and nothing after it waits for the worker."""
    stage = Stage()
    stage.expect(STOP, Kill(WEB), working=(STOP, Kill(WEB)))
    assert not stage.signals.deliver(TERM)


def test_what_only_hooks_are_told_counts_as_done() -> None:
    """An order without a signal costs no call, and the engine's is not carried out either."""
    stage = Stage()
    stage.expect(Quiet(WEB, None), STOP)
    assert stage.signals.deliver(TERM)
    assert stage.ports.calls == [("stop", WEB, "TERM")]
    assert stage.reflex.was_done(Quiet(WEB, None))
    assert stage.reflex.was_done(STOP)
    assert not stage.reflex.was_done(STOP)


def test_what_the_engine_does_not_order_is_forgotten_when_it_knows_of_the_signal() -> None:
    """A worker that appears later must get its stop signal, although another one had it."""
    stage = Stage()
    stage.expect(STOP)
    assert stage.signals.deliver(TERM)
    assert stage.signals.take() == [TERM]
    early = stage.reflex.early_for(TERM)
    assert early is not None
    assert not early.hear_first
    stage.reflex.told(early)
    assert not stage.reflex.was_done(STOP)
    assert stage.reflex.early_for(TERM) is None


def test_each_of_two_equal_signals_counts() -> None:
    """What was passed on twice is ordered twice, and each order finds its own."""
    stage = Stage()
    stage.expect()
    assert stage.signals.deliver(USR1)
    assert stage.signals.deliver(USR1)
    for _ in range(2):
        early = stage.reflex.early_for(USR1)
        assert early is not None
        assert stage.reflex.was_done(Forward(WEB, NAME))
        stage.reflex.told(early)
    assert not stage.reflex.was_done(Forward(WEB, NAME))
    assert stage.ports.calls == [("signal", WEB, NAME)] * 2


def test_it_does_not_get_ready_again_before_the_engine_knows() -> None:
    """Between the signal and its turn the same orders may be foreseen once more; they must not be repeated."""
    stage = Stage()
    known = stage.expect(STOP, working=(STOP,))
    assert stage.signals.deliver(TERM)
    stage.reflex.expect(known, working=False)
    stage.reflex.expect(Foresight(("another",), (WEB,), (STOP,), (STOP,)), working=True)
    assert not stage.signals.deliver(TERM)
    assert stage.ports.calls == [("stop", WEB, "TERM")]


def test_it_closes_nothing_that_is_not_its_own() -> None:
    """When it goes, the number of the loop's selector may be another's."""
    stage = Stage()
    number = stage.selector.fileno()
    stage.selector.close()
    other = os.dup2(os.pipe()[0], number)
    del stage
    gc.collect()
    os.close(other)
