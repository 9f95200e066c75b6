"""Questions to the deciding thread: facts in, a look out."""

from __future__ import annotations

import threading

import pytest

from supervisor.core.engine import Engine
from supervisor.core.events import Event, HoldReleased, HoldTaken, WorkerSpawned
from supervisor.core.holds import HoldPolicy
from supervisor.core.instants import Instant
from supervisor.core.lifecycle import LifecyclePolicy
from supervisor.core.names import HolderId, HoldId, WorkerName
from supervisor.core.plan import StopPlan
from supervisor.core.policy import Policy
from supervisor.core.sequence import parse
from supervisor.core.worker import RestartPolicy
from supervisor.ports import View
from supervisor.runtime.desk import Desk
from supervisor.runtime.inbox import Inbox, Question
from tests.unit.runtime.shell import JumpingClock

WEB = WorkerName("web")
HOLD = HoldTaken(HoldId("api/1"), HolderId("api"), "send_mail", ttl=30.0)


class Decider:
    """A deciding thread that has its turn when the test says so."""

    def __init__(self) -> None:
        self.clock, self.inbox = JumpingClock(), Inbox()
        plan = StopPlan(parse("QUIET 18 TERM 9 KILL 1")[0], 30.0, 2.0)
        policy = Policy((WEB,), LifecyclePolicy(plan), HoldPolicy(), RestartPolicy(), protection=None)
        self.engine = Engine(policy, self.now)
        self.engine.handle(WorkerSpawned(WEB, 1), self.now)
        self.desk = Desk(self.inbox, self.engine, self.clock)

    @property
    def now(self) -> Instant:
        return self.clock.now()

    def turn(self) -> None:
        """Do what the loop does with its inbox."""
        for posted in self.inbox.take():
            if isinstance(posted, Question):
                for fact in posted.facts:
                    self.engine.handle(fact, self.now)
                posted.answer()
            else:
                self.engine.handle(posted, self.now)


def ask(decider: Decider, desk_call: threading.Thread) -> None:
    """Have the deciding thread come to all that this thread asks."""
    desk_call.start()
    while desk_call.is_alive():
        decider.turn()
        desk_call.join(0.001)


def test_what_is_seen_is_what_became_of_the_facts() -> None:
    """The look comes after the facts of its own question and before those of the next."""
    decider, seen = Decider(), []

    def look(view: View) -> tuple[int, str | None, bool, int]:
        known = view.hold(HOLD.hold)
        return (
            view.hold_count(),
            known.about if known else None,
            view.standing().accepting,
            view.snapshot().holds_taken,
        )

    def questions() -> None:
        seen.append(decider.desk.ask((HOLD,), look, 10))
        seen.append(decider.desk.ask((HoldReleased(HOLD.hold),), look, 10))

    ask(decider, threading.Thread(target=questions))
    assert seen == [(1, "send_mail", True, 1), (0, None, True, 1)]
    assert decider.desk.lag == 0


def test_several_questions_are_asked_at_once() -> None:
    """Each looks after its own facts and before those of the next, and all are answered in one turn."""
    decider, seen = Decider(), list[list[int]]()
    facts: tuple[tuple[Event, ...], ...] = ((HOLD,), (), (HoldReleased(HOLD.hold),))
    questions = [(each, lambda view: view.hold_count()) for each in facts]
    ask(decider, threading.Thread(target=lambda: seen.append(decider.desk.ask_all(questions, 10))))
    assert seen == [[1, 1, 0]]
    assert decider.desk.ask_all((), 0.0) == []


def test_a_fact_without_a_question_is_only_handed_over() -> None:
    """Whoever posts waits for nothing."""
    decider = Decider()
    decider.desk.post(HOLD)
    assert decider.engine.hold_count() == 0
    decider.turn()
    assert decider.engine.hold_count() == 1


def test_nobody_waits_for_ever() -> None:
    """A deciding thread that does not come to it in time is an error for the one who asked, and for nobody else."""
    decider = Decider()
    with pytest.raises(TimeoutError, match=r"within 0.01 s"):
        decider.desk.ask((HOLD,), View.hold_count, 0.01)
    decider.clock.seconds += 3
    decider.turn()
    assert decider.engine.hold_count() == 1
    assert decider.desk.lag == 3


def test_a_look_that_fails_fails_for_the_one_who_looked() -> None:
    """The deciding thread goes on."""
    decider, errors = Decider(), list[Exception]()

    def fail(_: View) -> None:
        raise LookupError("nothing there")

    def question() -> None:
        try:
            decider.desk.ask((), fail, 10)
        except LookupError as error:
            errors.append(error)

    ask(decider, threading.Thread(target=question))
    assert str(errors[0]) == "nothing there"
    decider.desk.post(HOLD)
    decider.turn()
    assert decider.engine.hold_count() == 1
