"""How things stand, as people and metrics see it, in every state."""

from __future__ import annotations

import dataclasses
import json

from supervisor.core.effects import LookAtProtection, Protect, Quiet, Spawn, Stop, Unprotect
from supervisor.core.engine import Engine
from supervisor.core.events import (
    GateShut,
    HoldReleased,
    HoldTaken,
    HookAttached,
    ProtectionCleared,
    ProtectionGranted,
    ProtectionRefused,
    ProtectionSeen,
    QuietRequested,
    Refusal,
    StopRequested,
    WorkerExited,
    WorkerSpawned,
    WorkReserved,
)
from supervisor.core.holds import HoldPolicy
from supervisor.core.instants import Instant
from supervisor.core.names import Attempt, SignalName
from supervisor.core.protection import ProtectionPolicy
from supervisor.core.snapshot import HoldView, HookView, ProtectionView, Snapshot, WorkerView
from supervisor.core.worker import Restart, RestartPolicy

from .playbook import ALICE, BOB, J1, J2, WEB, Playbook, at, policy, told

HOUR = 3600.0
STAGES = "QUIET 20 TERM 7 KILL 1"
STOP = StopRequested("TERM")
NOT_ON_ECS = ProtectionView(
    phase="off",
    confirmed=False,
    expires_in=None,
    because="not on ECS",
    request_for=None,
    retry_in=None,
    requests=0,
)


def a(number: int) -> Attempt:
    return Attempt(number)


def now(script: Playbook) -> Snapshot:
    return script.engine.snapshot(script.now)


def running() -> Playbook:
    return Playbook(policy()) >> WorkerSpawned(WEB, 7) << told("worker.started") << told("task.running")


def on_ecs() -> Playbook:
    script = Playbook(policy(protection=ProtectionPolicy(), holds=HoldPolicy(before_start=True)))
    return (
        script
        >> WorkerSpawned(WEB, 7)
        << LookAtProtection(a(1))
        << told("worker.started")
        << told("task.running")
    )


def test_before_the_worker_has_started() -> None:
    """A fresh engine already knows what it will do, and counts from its own beginning."""
    engine = Engine(policy(), Instant(100.0))
    assert engine.snapshot(Instant(102.0)) == Snapshot(
        phase="starting",
        phase_for=2.0,
        accepting=True,
        quiet_because=None,
        workers=(WorkerView(WEB, "starting", pid=None, status=None, starts=0, starts_in=None),),
        holds=(),
        holds_taken=0,
        hooks=(),
        protection=NOT_ON_ECS,
        stages=STAGES,
        stage=None,
        seconds_left=None,
        exits_in=None,
    )


def test_hooks_that_have_spoken() -> None:
    """What each is attached to, whether its gate is shut, and what it has fetched and not begun."""
    script = (
        Playbook(policy())
        >> WorkerSpawned(WEB, 7)
        << told("worker.started")
        << told("task.running")
        >> HookAttached(ALICE, "w1", "celery", "5.7.0", gated=True)
        << told("hook.attached")
        >> WorkReserved(ALICE, 4)
        >> GateShut(ALICE)
        >> HookAttached(BOB, "w2", "taskiq", "0.13", gated=False)
        << told("hook.attached")
    )
    assert now(script).hooks == (
        HookView("w1", "celery", "5.7.0", "shut", 4),
        HookView("w2", "taskiq", "0.13", None, 0),
    )


def test_while_it_runs() -> None:
    """Phase since when, the worker with its pid, every hold with its age and its end."""
    script = (
        running() >> at(10) >> HoldTaken(J1, ALICE, "mail", ttl=60) >> at(12) >> HoldTaken(J2, BOB, "report")
    )
    snapshot = now(script >> at(15))
    assert (snapshot.phase, snapshot.phase_for, snapshot.accepting) == ("running", 15.0, True)
    assert snapshot.workers == (WorkerView(WEB, "running", pid=7, status=None, starts=1, starts_in=None),)
    assert snapshot.holds == (
        HoldView(J1, ALICE, "mail", "held", age=5.0, expires_in=55.0),
        HoldView(J2, BOB, "report", "held", age=3.0, expires_in=None),
    )
    assert (snapshot.stage, snapshot.seconds_left, snapshot.exits_in) == (None, None, None)


def test_how_many_jobs_there_have_been() -> None:
    """Holds are counted when they are taken, once each, and the count only grows."""
    script = running() >> HoldTaken(J1, ALICE, "mail") >> HoldReleased(J1) >> HoldTaken(J1, ALICE, "mail")
    assert now(script).holds_taken == 2


def test_while_it_is_quiet() -> None:
    """A quiet task says why, and that it takes no new work."""
    snapshot = now(
        running() >> QuietRequested("load test") << told("task.quiet") << Quiet(WEB, None) >> at(3)
    )
    assert (snapshot.phase, snapshot.phase_for, snapshot.accepting) == ("quiet", 3.0, False)
    assert snapshot.quiet_because == "load test"


def test_on_the_way_out() -> None:
    """Each stage is named while it lasts, with the seconds until work is interrupted and until the exit."""
    script = (
        running()
        >> HoldTaken(J1, ALICE, "mail")
        >> STOP
        << told("task.draining")
        << Quiet(WEB, None)
        >> at(5)
    )
    views = [now(script)]
    script = (
        script >> at(20) << told("holds.abandoned") << told("task.stopping") << Stop(WEB, SignalName("TERM"))
    )
    views.append(now(script >> at(21)))
    script.engine.handle(StopRequested("TERM"), Instant(27.5))
    views.append(script.engine.snapshot(Instant(27.5)))
    assert [(view.phase, view.stage, view.seconds_left, view.exits_in) for view in views] == [
        ("draining", "QUIET 20", 15.0, 23.0),
        ("stopping", "TERM 7", 6.0, 7.0),
        ("killing", "KILL 1", 0.0, 0.5),
    ]
    assert [view.accepting for view in views] == [False, False, False]
    assert [view.workers[0].phase for view in views] == ["stopping", "stopping", "stopping"]


def test_after_the_exit() -> None:
    """The last snapshot shows how the worker ended."""
    script = running() >> at(4)
    script.engine.handle(WorkerExited(WEB, 3), Instant(4.0))
    snapshot = now(script)
    assert snapshot.phase == "exited"
    assert snapshot.workers == (WorkerView(WEB, "exited", pid=None, status=3, starts=1, starts_in=None),)


def test_while_a_worker_waits_to_be_started_again() -> None:
    """Its last status is shown, and when it is started."""
    script = Playbook(policy(restart=RestartPolicy(Restart.ALWAYS))) >> WorkerSpawned(WEB, 7)
    script = (
        script
        << told("worker.started")
        << told("task.running")
        >> WorkerExited(WEB, 1)
        << told("worker.exited")
    )
    [waiting] = now(script).workers
    assert (waiting.phase, waiting.pid, waiting.status) == ("backoff", None, 1)
    assert waiting.starts_in == script.engine.wake_at()
    script = script >> at(script.engine.wake_at()) << Spawn(WEB)
    assert now(script).workers == (WorkerView(WEB, "starting", pid=None, status=1, starts=1, starts_in=None),)


def test_protection_through_its_life() -> None:
    """Looked up, asked for, confirmed, let go: the phase, the age of the request and the time left tell it."""
    script = on_ecs() >> at(1)
    views = [now(script).protection]
    script = script >> ProtectionSeen(a(1), None)
    views.append(now(script).protection)
    script = script >> HoldTaken(J1, ALICE, "mail") << Protect(a(2), 60) >> at(3)
    views.append(now(script).protection)
    script = script >> ProtectionGranted(a(2), HOUR) << told("protection.acquired") >> at(11)
    views.append(now(script).protection)
    script = script >> HoldReleased(J1) >> at(41) << Unprotect(a(3))
    views.append(now(script).protection)
    script = script >> ProtectionCleared(a(3)) << told("protection.released")
    views.append(now(script).protection)
    assert [
        (view.phase, view.confirmed, view.expires_in, view.request_for, view.requests) for view in views
    ] == [
        ("looking", False, None, 1.0, 1),
        ("unprotected", False, None, None, 1),
        ("acquiring", False, None, 2.0, 2),
        ("protected", True, HOUR - 10, None, 2),
        ("releasing", False, HOUR - 40, 0.0, 3),
        ("unprotected", False, None, None, 3),
    ]


def test_protection_that_is_refused() -> None:
    """The last refusal is shown as the reason, with the time of the next try."""
    script = on_ecs() >> ProtectionSeen(a(1), None) >> HoldTaken(J1, ALICE, "mail") << Protect(a(2), 60)
    script = script >> ProtectionRefused(a(2), Refusal.TRY_AGAIN, "Throttling") << told("protection.refused")
    view = now(script).protection
    assert (view.phase, view.because) == ("acquiring", "Throttling")
    assert view.retry_in == script.engine.wake_at()


def test_a_task_that_is_quiet_for_the_sake_of_a_deployment() -> None:
    """The task and its protection give the same reason."""
    script = on_ecs() >> ProtectionSeen(a(1), None) >> HoldTaken(J1, ALICE, "mail") << Protect(a(2), 60)
    script = (
        script >> ProtectionRefused(a(2), Refusal.BLOCKED, "DEPLOYMENT_BLOCKED") << told("protection.refused")
    )
    snapshot = now(script << told("task.quiet") << Quiet(WEB, None))
    assert snapshot.quiet_because == snapshot.protection.because == "a deployment waits for this task"


def test_a_job_that_waits_for_protection() -> None:
    """A hold that has not been answered yet can be told from one that works."""
    script = (
        on_ecs() >> ProtectionSeen(a(1), None) >> HoldTaken(J1, ALICE, "mail", asks=True) << Protect(a(2), 60)
    )
    assert now(script >> at(2)).holds == (HoldView(J1, ALICE, "mail", "waiting", age=2.0, expires_in=None),)


def test_once_ecs_ends_the_task_protection_is_moot() -> None:
    """The stop signal ends all that a lease is good for."""
    script = on_ecs() >> ProtectionSeen(a(1), None) >> STOP
    view = now(
        script
        << told("task.draining")
        << Quiet(WEB, None)
        << told("task.stopping")
        << Stop(WEB, SignalName("TERM"))
    )
    assert (view.protection.phase, view.protection.confirmed) == ("moot", False)


def test_a_snapshot_is_nothing_but_values() -> None:
    """It can be written as JSON as it is, and nobody can change it."""
    snapshot = now(running() >> HoldTaken(J1, ALICE, "mail", ttl=60))
    read = json.loads(json.dumps(dataclasses.asdict(snapshot), allow_nan=False))
    assert read["holds"][0]["about"] == "mail"
    assert read["workers"][0]["pid"] == 7
    assert hash(snapshot) == hash(dataclasses.replace(snapshot))
