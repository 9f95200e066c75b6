"""The deliveries beside the machines that every task has."""

from __future__ import annotations

from typing import Any, Self

import pytest

from supervisor.core.delivery import DeliveryPolicy
from supervisor.core.delivery.engine import DeliveringEngine
from supervisor.core.delivery.facts import AppReady, Deleted, DeliveryAnswered, Returned
from supervisor.core.delivery.names import delivery_of, hold_of
from supervisor.core.delivery.orders import CheckApp, Delete, Deliver, Forget, Return
from supervisor.core.effects import Exit, Forward, Grant, LookAtProtection, Protect, Quiet, Resume, Stop
from supervisor.core.events import (
    HoldReleased,
    HoldTaken,
    ProtectionGranted,
    ProtectionRefused,
    ProtectionSeen,
    QuietRequested,
    Refusal,
    ResumeRequested,
    SignalReceived,
    StopRequested,
    WorkerExited,
    WorkerSpawned,
)
from supervisor.core.holds import HoldPolicy
from supervisor.core.instants import Instant
from supervisor.core.names import Attempt, HoldId, SignalName
from supervisor.core.protection import ProtectionPolicy
from tests.unit.core.playbook import ALICE, J1, WEB, Playbook, at, plan, policy, told

from .script import JOBS, brought, call, d, jobs, m, poll

TERM = SignalName("TERM")
PROTECTED: dict[str, Any] = {"protection": ProtectionPolicy(), "holds": HoldPolicy(before_start=True)}


class Daemon(Playbook):
    def __init__(self, policy_: dict[str, Any], **how: Any) -> None:
        super().__init__(policy(**policy_))
        defaults: dict[str, Any] = {"queues": (jobs,), "connections": 2}
        self.daemon = DeliveringEngine(
            policy(**policy_), DeliveryPolicy(**(defaults | how)), Instant(0.0), strict=True
        )
        self.engine = self.daemon

    def __rshift__(self, fact: Any) -> Self:
        return super().__rshift__(fact)

    def __lshift__(self, order: Any) -> Self:
        return super().__lshift__(order)


def fetching(policy_: dict[str, Any] | None = None, **how: Any) -> Daemon:
    """Tell of a web server that runs, and a first poll."""
    script = Daemon(policy_ or {}, **how) >> WorkerSpawned(WEB, 7)
    script = script << LookAtProtection(Attempt(1)) if policy_ is PROTECTED else script
    script = script << told("worker.started") << told("task.running") << CheckApp()
    return script >> AppReady() << told("app.ready") << poll(1, 2)


def test_deliveries_drain_before_the_web_server_is_stopped() -> None:
    """The stop waits for the long poll and for what runs; then the web server gets its signal."""
    assert (
        fetching()
        >> brought(1, m(1))
        << poll(2, 1)
        << Deliver(d(1))
        >> at(10)
        >> StopRequested("TERM")
        << told("task.draining", in_flight=1)
        << Quiet(WEB, None)
        >> at(12)
        >> brought(2, m(2))
        << Return((call(2),), JOBS, 0)
        >> DeliveryAnswered(d(1), 200)
        << told("delivery.done")
        << Delete(call(1), JOBS)
        >> Deleted(call(1))
        << Forget(d(1))
        >> Returned((call(2),))
        << Forget(d(2))
        << told("deliveries.handed_back")
        << told("task.stopping", because="nothing in flight")
        << Stop(WEB, TERM)
        >> WorkerExited(WEB, 0)
        << told("worker.exited")
        << told("task.exited", status=0)
        << Exit(0)
        >> DeliveryAnswered(d(1), 200)
        >> at(100)
    )


def test_protection_comes_before_the_request() -> None:
    """Received, asked for, confirmed, sent."""
    assert (
        fetching(PROTECTED)
        >> ProtectionSeen(Attempt(1), None)
        >> brought(1, m(1))
        << poll(2, 1)
        << Protect(Attempt(2), 60)
        >> ProtectionGranted(Attempt(2), 3600.0)
        << told("protection.acquired")
        << Deliver(d(1))
    )


def test_a_waiting_deployment_makes_it_hand_back_and_be_quiet() -> None:
    """Also where the policy is open: what the holds grant in that instant does not begin."""
    script = fetching(PROTECTED) >> ProtectionSeen(Attempt(1), None) >> brought(1, m(1))
    script = script << poll(2, 1) << Protect(Attempt(2), 60)
    script = script >> ProtectionRefused(Attempt(2), Refusal.BLOCKED, "DEPLOYMENT_BLOCKED")
    script = script << told("protection.refused") << told("hold.unprotected")
    script = script << told("task.quiet", reason="a deployment waits for this task") << Quiet(WEB, None)
    script = script << told("task.resumed") << Resume(WEB, None)
    # Welcome again in the same instant, it does not ask for messages at once.
    assert script.engine.hold(hold_of(d(1)), script.now) is None
    assert script >> at(0.5) >> brought(2) << Return((call(1),), JOBS, 0)


def test_what_is_refused_without_a_deployment_goes_back() -> None:
    """A closed policy, and an agent that is broken: bounded by the holds' own patience."""
    closed = PROTECTED | {"holds": HoldPolicy(before_start=True, wait=5, fail_open=False)}
    script = Daemon(closed) >> WorkerSpawned(WEB, 7) << LookAtProtection(Attempt(1))
    script = script << told("worker.started") << told("task.running") << CheckApp()
    script = script >> AppReady() << told("app.ready") << poll(1, 2) >> ProtectionSeen(Attempt(1), None)
    script = script >> brought(1, m(1)) << poll(2, 1) << Protect(Attempt(2), 60) >> at(4.9)
    script = script >> at(5) << told("hold.refused")
    assert script.daemon.deliveries(script.now).phases == {"returned": 1}
    assert script >> brought(2) << Return((call(1),), JOBS, 0)


def test_quiet_and_resume_are_passed_on() -> None:
    """An operator's word reaches the polls."""
    script = fetching() >> QuietRequested("maintenance") << told("task.quiet") << Quiet(WEB, None)
    script = script >> brought(1) >> at(100) >> ResumeRequested("done") << told("task.resumed")
    assert script << Resume(WEB, None) << poll(2, 2)


def test_at_the_deadline_what_still_runs_is_named_before_the_kill() -> None:
    """A second before the app is killed; its stop signal left it time to finish."""
    script = fetching() >> brought(1, m(1), m(2)) << Deliver(d(1)) << Deliver(d(2))
    script = script >> StopRequested("TERM") << told("task.draining") << Quiet(WEB, None)
    script = script >> at(20) << told("holds.abandoned") << told("task.stopping") << Stop(WEB, TERM)
    assert script >> at(26) << told("deliveries.abandoned", messages=("m1 from jobs", "m2 from jobs"))


def test_a_kill_without_a_warning_has_its_deadline_too() -> None:
    """A sequence of nothing but KILL kills at once."""
    script = Daemon({"stop": plan("KILL 1")}) >> WorkerSpawned(WEB, 7) << told("worker.started")
    script = script << told("task.running") << CheckApp() >> AppReady() << told("app.ready") << poll(1, 2)
    script = script >> brought(1, m(1)) << poll(2, 1) << Deliver(d(1)) >> StopRequested("TERM")
    script = script << told("task.draining")
    given = [getattr(each, "name", type(each).__name__) for each in script._unclaimed]
    assert given[-2:] == ["Kill", "deliveries.abandoned"]


def test_the_holds_of_others_are_none_of_ours() -> None:
    """A hook's job beside the deliveries gets its own answer."""
    script = fetching() >> HoldTaken(J1, ALICE, "mail", asks=True) << Grant(J1, protected=False)
    assert script >> HoldReleased(J1) >> SignalReceived(SignalName("HUP")) << Forward(WEB, SignalName("HUP"))
    assert delivery_of(HoldId("api/1")) is None


def test_what_time_has_made_due_is_done_before_a_late_fact() -> None:
    """The clock of either side: a beat of ours, a stage of the others'."""
    script = fetching() >> brought(1, m(1), m(2)) << Deliver(d(1)) << Deliver(d(2))
    script.now = Instant(150.0)
    script = script >> AppReady()
    given = [type(each).__name__ for each in script._unclaimed]
    assert given == ["Extend", "Extend"]
    script = fetching() >> StopRequested("TERM") << told("task.draining") << Quiet(WEB, None)
    script.now = Instant(20.0)
    script = script >> brought(1)
    assert next(getattr(each, "name", "") for each in script._unclaimed) == "task.stopping"


@pytest.mark.parametrize("stages", ["QUIET 20 TERM 7 KILL 1", "TERM 27 KILL 1"])
def test_a_stop_is_foreseen_as_it_comes(stages: str) -> None:
    """What a stop orders workers to do is worked out before, with the deliveries beside."""
    script = fetching({"stop": plan(stages)})
    foreseen = script.engine.foresee(script.now)
    assert foreseen is not None
    expected = foreseen.stop(script.engine.is_working())
    given = script.engine.handle(StopRequested("TERM"), script.now)
    assert tuple(each for each in given if isinstance(each, Quiet | Stop)) == expected
