"""The four machines together: who is told what, when, and what the engine says of itself."""

from __future__ import annotations

import pytest

from supervisor.core.edges import IllegalMove
from supervisor.core.effects import (
    Dump,
    Effect,
    Exit,
    Forward,
    Kill,
    Level,
    LookAtProtection,
    Note,
    Protect,
    Quiet,
    Stop,
    Unprotect,
)
from supervisor.core.engine import Engine
from supervisor.core.events import (
    DrainRequested,
    DumpRequested,
    Event,
    HolderDied,
    HoldReleased,
    HoldTaken,
    OrphanReaped,
    ProtectionGranted,
    ProtectionRefused,
    ProtectionSeen,
    QuietRequested,
    Refusal,
    ResumeRequested,
    SpawnFailed,
    StopRequested,
    Tick,
    WorkerExited,
    WorkerSpawned,
)
from supervisor.core.holds import HoldPolicy
from supervisor.core.instants import NEVER, Instant
from supervisor.core.lifecycle import LifecyclePolicy
from supervisor.core.names import Attempt, SignalName, WorkerName
from supervisor.core.policy import Policy
from supervisor.core.protection import ProtectionPolicy

from .playbook import ALICE, BOB, J1, J2, WEB, Playbook, at, plan, policy, told

HOUR = 3600.0
STOP = StopRequested("TERM")
TERM, HUP = SignalName("TERM"), SignalName("HUP")
STRANGER = WorkerName("stranger")


def a(number: int) -> Attempt:
    return Attempt(number)


def running() -> Playbook:
    """A task that is not on ECS and whose worker has started at 0 s."""
    return Playbook(policy()) >> WorkerSpawned(WEB, 7) << told("worker.started") << told("task.running")


def protected() -> Playbook:
    """A task on ECS with a job in flight since 0 s and an hour's lease asked for at 0 s."""
    script = (
        Playbook(policy(protection=ProtectionPolicy())) >> WorkerSpawned(WEB, 7) << LookAtProtection(a(1))
    )
    return (
        script
        << told("worker.started")
        << told("task.running")
        >> ProtectionSeen(a(1), None)
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> ProtectionGranted(a(2), HOUR)
        << told("protection.acquired")
    )


def lenient(what: Policy | None = None) -> Engine:
    """An engine as it is in production: it reports our bugs and goes on."""
    engine = Engine(what or policy(), Instant(0.0))
    engine.handle(WorkerSpawned(WEB, 7), Instant(0.0))
    return engine


def names(effects: tuple[Effect, ...]) -> list[str]:
    return [effect.name if isinstance(effect, Note) else type(effect).__name__ for effect in effects]


def test_what_time_has_made_due_is_done_before_the_fact() -> None:
    """A fact that arrives after a deadline finds the deadline's orders given, even when nobody sent a tick."""
    engine = lenient()
    engine.handle(HoldTaken(J1, ALICE, "mail"), Instant(0.0))
    engine.handle(STOP, Instant(0.0))
    late = engine.handle(HoldReleased(J1), Instant(21.0))
    assert names(late) == ["holds.abandoned", "task.stopping", "Stop", "Announce"]


def test_a_fact_that_comes_with_its_deadline_comes_after_it() -> None:
    """At the very instant of a deadline the deadline has passed."""
    engine = lenient()
    engine.handle(HoldTaken(J1, ALICE, "mail", ttl=5), Instant(0.0))
    assert names(engine.handle(HoldReleased(J1), Instant(5.0))) == ["hold.expired"]


def test_before_a_deadline_a_fact_stands_alone() -> None:
    """Nothing is hurried because a fact came."""
    engine = lenient()
    engine.handle(HoldTaken(J1, ALICE, "mail", ttl=5), Instant(0.0))
    assert engine.handle(HoldReleased(J1), Instant(4.9)) == ()


def test_a_deadline_can_end_the_task_before_the_fact_is_heard() -> None:
    """Where time alone has made the exit due, the fact that came later is not taken in any more."""
    engine = lenient(policy(plan("TERM 5 KILL 1")))
    engine.handle(STOP, Instant(0.0))
    given = engine.handle(DumpRequested(), Instant(60.0))
    assert names(given)[-2:] == ["task.exited", "Exit"]
    assert "Dump" not in names(given)


def test_a_clock_that_goes_backwards_stands_still() -> None:
    """No instant is earlier than the one before it: a deadline is counted from the latest the engine has seen."""
    engine = lenient()
    engine.handle(Tick(), Instant(50.0))
    engine.handle(HoldTaken(J1, ALICE, "mail", ttl=5), Instant(10.0))
    assert engine.wake_at() == 55
    assert engine.handle(Tick(), Instant(20.0)) == ()
    assert names(engine.handle(Tick(), Instant(55.0))) == ["hold.expired"]


def test_a_second_tick_at_the_same_instant_does_nothing() -> None:
    """Whatever was due is done once."""
    engine = lenient()
    engine.handle(HoldTaken(J1, ALICE, "mail"), Instant(0.0))
    engine.handle(STOP, Instant(0.0))
    assert engine.handle(Tick(), Instant(20.0))
    assert engine.handle(Tick(), Instant(20.0)) == ()


def test_an_idle_task_wakes_for_nothing() -> None:
    """Where nobody works and nothing is planned, only a fact can change anything."""
    assert running().engine.wake_at() == NEVER


def test_the_engine_wakes_for_whatever_comes_first() -> None:
    """The earliest instant of all machines counts."""
    script = running() >> HoldTaken(J1, ALICE, "mail", ttl=25) >> HoldTaken(J2, BOB, "report")
    assert script.engine.wake_at() == 25
    script = script >> STOP << told("task.draining") << Quiet(WEB, None)
    assert script.engine.wake_at() == 20


def test_a_strict_engine_raises_on_a_move_outside_the_table() -> None:
    """In tests a bug of ours is loud."""
    engine = running().engine
    with pytest.raises(IllegalMove, match="RUNNING -> RUNNING"):
        engine.handle(WorkerSpawned(WEB, 8), Instant(0.0))


def test_in_production_a_move_outside_the_table_is_reported_and_survived() -> None:
    """PID 1 must not die of a bug: the machine stays as it was, the log says what was tried, the task goes on."""
    engine = lenient()
    given = engine.handle(WorkerSpawned(WEB, 8), Instant(1.0))
    assert given == (
        Note(
            "bug.illegal_move",
            Level.ERROR,
            (
                ("move", "Phase: RUNNING -> RUNNING because 'started'"),
                ("event", "WorkerSpawned(worker='web', pid=8)"),
            ),
        ),
    )
    assert engine.snapshot(Instant(1.0)).workers[0].pid == 7
    assert names(engine.handle(STOP, Instant(2.0))) == [
        "task.draining",
        "Quiet",
        "task.stopping",
        "Stop",
        "Announce",
    ]


@pytest.mark.parametrize(
    "fact",
    [WorkerSpawned(STRANGER, 9), SpawnFailed(STRANGER, 127, "no such file"), WorkerExited(STRANGER, 1)],
)
def test_facts_about_an_unknown_worker_are_ignored(fact: Event) -> None:
    """A process that is no worker of ours changes nothing."""
    script = running() >> fact
    assert script
    assert [each.name for each in script.engine.snapshot(script.now).workers] == [WEB]


def test_an_orphan_is_reaped_without_a_word() -> None:
    """Collecting what was left to PID 1 is routine, whatever its status."""
    assert running() >> OrphanReaped(4711, 1)


def test_a_dump_is_ordered_when_it_is_asked_for() -> None:
    """Asking to see how things stand changes nothing else."""
    assert running() >> DumpRequested() << Dump()


def test_the_first_worker_that_ends_gives_the_status() -> None:
    """What the others say on their way out, when they were told to go, does not count."""
    db = WorkerName("db")
    assert (
        Playbook(policy(workers=(WEB, db)))
        >> WorkerSpawned(WEB, 7)
        << told("worker.started")
        << told("task.running")
        >> WorkerSpawned(db, 8)
        << told("worker.started")
        >> STOP
        << told("task.draining")
        << Quiet(WEB, None)
        << Quiet(db, None)
        << told("task.stopping")
        << Stop(WEB, TERM)
        << Stop(db, TERM)
        >> WorkerExited(db, 3)
        << told("worker.exited", worker=db)
        >> WorkerExited(WEB, 0)
        << told("worker.exited", worker=WEB)
        << told("task.exited", status=3)
        << Exit(3)
    )


def test_one_fact_is_followed_through_all_machines() -> None:
    """The death of the last holder lets protection go and ends the drain, in one step and in this order."""
    assert (
        protected()
        >> DrainRequested("drain")
        << told("task.draining")
        << Quiet(WEB, None)
        >> HolderDied(ALICE, "its process has ended")
        << told("holder.died")
        << Unprotect(a(3))
        << told("task.stopping", because="nothing in flight")
        << Stop(WEB, TERM)
    )


def test_a_refusal_reaches_the_worker_in_the_same_step() -> None:
    """What protection learns, the task acts on at once."""
    assert (
        protected()
        >> at(1800)
        << Protect(a(3), 60)
        >> ProtectionRefused(a(3), Refusal.BLOCKED, "DEPLOYMENT_BLOCKED")
        << told("protection.refused")
        << told("task.quiet")
        << Quiet(WEB, None)
    )


def test_a_hold_that_expires_can_end_the_task() -> None:
    """Work that outlived the worker and says nothing more is waited for until its time to live is over."""
    assert (
        running()
        >> HoldTaken(J1, ALICE, "horse", ttl=9)
        >> WorkerExited(WEB, 1)
        << told("worker.exited")
        << told("task.draining")
        >> at(9)
        << told("hold.expired")
        << told("task.exited", status=1, took=9.0)
        << Exit(1)
    )


def test_work_that_appears_while_a_release_is_waited_for_does_not_keep_the_engine_awake() -> None:
    """A forked child that takes a job after the worker's end is drained by the clock, without a busy loop."""
    script = (
        protected()
        >> HoldReleased(J1)
        >> at(5)
        >> WorkerExited(WEB, 0)
        << told("worker.exited")
        << Unprotect(a(3))
        >> at(7)
        >> HoldTaken(J2, BOB, "late")
    )
    assert script >> at(12.5)


def test_exit_is_the_last_order_also_where_somebody_waits() -> None:
    """Who asked to start in a task that ends is answered before the exit, or by the end of its connection."""
    what = policy(protection=ProtectionPolicy(), holds=HoldPolicy(before_start=True))
    engine = Engine(what, Instant(0.0), strict=True)
    engine.handle(HoldTaken(J1, ALICE, "mail", asks=True), Instant(0.0))
    given = engine.handle(SpawnFailed(WEB, 127, "no such file"), Instant(1.0))
    assert given[-1] == Exit(127)


def test_exit_is_the_last_order_also_where_protection_was_adopted() -> None:
    """Nothing is asked of the agent once the supervisor has decided to be gone."""
    engine = Engine(policy(protection=ProtectionPolicy()), Instant(0.0), strict=True)
    engine.handle(Tick(), Instant(0.0))
    engine.handle(ProtectionSeen(a(1), 5000), Instant(1.0))
    given = engine.handle(SpawnFailed(WEB, 127, "no such file"), Instant(1.0))
    assert given[-1] == Exit(127)


def test_after_exit_every_fact_is_met_with_silence() -> None:
    """The engine that has ordered the exit neither answers nor wakes, whatever it is told."""
    engine = lenient()
    assert engine.handle(WorkerExited(WEB, 0), Instant(1.0))[-1] == Exit(0)
    for fact in (
        STOP,
        DumpRequested(),
        HoldTaken(J1, ALICE, "mail", asks=True),
        Tick(),
        WorkerSpawned(WEB, 8),
    ):
        assert engine.handle(fact, Instant(99.0)) == ()
    assert engine.wake_at() == NEVER
    assert engine.snapshot(Instant(99.0)).phase == "exited"


def test_after_exit_nothing_is_waited_for() -> None:
    """Whatever was still to come, such as the end of a hold that was left behind, comes without us."""
    engine = lenient()
    engine.handle(HoldTaken(J1, ALICE, "mail", ttl=500), Instant(0.0))
    engine.handle(STOP, Instant(0.0))
    assert engine.handle(Tick(), Instant(28.0))[-1] == Exit(137)
    assert engine.wake_at() == NEVER


def test_the_same_facts_at_the_same_instants_give_the_same_orders() -> None:
    """A journal from production, fed to a fresh engine, is a test case."""
    journal: tuple[tuple[Event, float], ...] = (
        (WorkerSpawned(WEB, 7), 0.0),
        (ProtectionSeen(a(1), None), 0.1),
        (HoldTaken(J1, ALICE, "mail", ttl=40), 1.0),
        (ProtectionRefused(a(2), Refusal.TRY_AGAIN, "Throttling"), 1.1),
        (Tick(), 3.0),
        (STOP, 5.0),
        (Tick(), 25.0),
        (Tick(), 32.0),
    )
    what = policy(protection=ProtectionPolicy())
    runs = []
    for _ in range(2):
        engine = Engine(what, Instant(0.0))
        runs.append([(engine.handle(fact, Instant(now)), engine.wake_at()) for fact, now in journal])
    assert runs[0] == runs[1]
    assert Kill(WEB) in [effect for given, _ in runs[0] for effect in given]


def test_what_a_stop_would_mean_is_known_before() -> None:
    """The orders to the worker are there before the stop request is, and it gives the same."""
    engine = lenient()
    assert engine.foreseen(Instant(1.0)) is None
    known = engine.foresee(Instant(1.0))
    assert known is not None
    assert known is engine.foreseen(Instant(2.0))
    assert known.stop(working=False) == (Quiet(WEB, None), Stop(WEB, TERM))
    assert set(known.stop(working=False)) <= set(engine.handle(STOP, Instant(2.0)))


def test_a_stop_that_would_find_all_ended_orders_nothing() -> None:
    """With the worker gone and no job left, which is only imagined here, there is nobody to order anything."""
    life = LifecyclePolicy(plan(), resumable=False)
    engine = Engine(policy(lifecycle=life), Instant(0.0), strict=True)
    for fact in (
        WorkerSpawned(WEB, 7),
        HoldTaken(J1, ALICE, "mail"),
        QuietRequested("x"),
        ResumeRequested("x"),
    ):
        engine.handle(fact, Instant(1.0))
    engine.handle(WorkerExited(WEB, 0), Instant(1.0))
    known = engine.foresee(Instant(1.0))
    assert known is None or known.stop(working=False) == ()


def test_what_a_stop_would_mean_is_known_with_work_and_without() -> None:
    """With a job in flight the worker is not to be stopped at once; neither answer has to be worked out when it begins."""
    engine = lenient()
    known = engine.foresee(Instant(1.0))
    assert known is not None
    assert not known.is_certain
    engine.handle(HoldTaken(J1, ALICE, "mail"), Instant(1.0))
    assert engine.is_working()
    assert engine.foreseen(Instant(1.0)) is known
    assert known.stop(working=True) == (Quiet(WEB, None),)
    assert engine.handle(STOP, Instant(1.0)).count(Quiet(WEB, None)) == 1


def test_after_a_stop_another_one_means_nothing_to_the_worker() -> None:
    """On the way out signals are still passed on, and no order is foreseen."""
    engine = lenient()
    engine.handle(STOP, Instant(1.0))
    known = engine.foresee(Instant(2.0))
    assert known is not None
    assert (known.idle, known.working) == ((), ())
    assert known.forward(HUP) == (Forward(WEB, HUP),)


def test_what_is_due_is_not_foreseen() -> None:
    """At an instant when time alone changes something, nothing is known of what a signal means."""
    engine = lenient()
    engine.handle(HoldTaken(J1, ALICE, "mail", ttl=5), Instant(1.0))
    assert engine.foresee(Instant(2.0)) is not None
    assert engine.foresee(Instant(6.0)) is None
    assert engine.foreseen(Instant(6.0)) is None


@pytest.mark.parametrize("strict", [False, True])
def test_a_defect_in_the_foresight_ends_nothing(strict: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A healthy task goes on where the way out is broken; a strict engine, as in tests, says so."""
    engine = Engine(policy(), Instant(0.0), strict=strict)
    engine.handle(WorkerSpawned(WEB, 7), Instant(0.0))

    def broken(*_: object) -> None:
        raise RuntimeError("a defect for the test")

    monkeypatch.setattr("supervisor.core.lifecycle.step", broken)
    if strict:
        with pytest.raises(RuntimeError, match="a defect for the test"):
            engine.foresee(Instant(1.0))
    else:
        known = engine.foresee(Instant(1.0))
        assert known is not None
        assert (known.idle, known.working) == ((), ())
