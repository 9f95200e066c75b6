"""The task from the first start to the exit, told as playbooks."""

from __future__ import annotations

import pytest

from supervisor.core.effects import Announce, Exit, Forward, Kill, Quiet, Resume, Stop
from supervisor.core.events import (
    DrainRequested,
    ForceRequested,
    HolderDied,
    HoldReleased,
    HoldTaken,
    QuietRequested,
    ResumeRequested,
    SignalReceived,
    SpawnFailed,
    StopRequested,
    WorkerExited,
    WorkerSpawned,
)
from supervisor.core.instants import Instant
from supervisor.core.lifecycle import LifecyclePolicy
from supervisor.core.names import SignalName, WorkerName

from .playbook import ALICE, J1, J2, WEB, Playbook, at, plan, policy, told

TERM, INT, QUIT, TSTP = (SignalName(name) for name in ("TERM", "INT", "QUIT", "TSTP"))
STOP = StopRequested("TERM")
DRAINS = "TERM 27 KILL 1"


def running(stages: str = "QUIET 20 TERM 7 KILL 1", drains: bool = False, **how: object) -> Playbook:
    """A task whose worker has started at 0 s."""
    life = LifecyclePolicy(plan(stages, drains=drains), **how)  # type: ignore[arg-type]
    return (
        Playbook(policy(lifecycle=life))
        >> WorkerSpawned(WEB, 7)
        << told("worker.started")
        << told("task.running")
    )


def test_an_idle_worker_is_stopped_at_once() -> None:
    """With nothing in flight the drain is over when it begins."""
    assert (
        running()
        >> at(5)
        >> STOP
        << told("task.draining", reason="TERM", in_flight=0, seconds=28.0)
        << Quiet(WEB, None)
        << told("task.stopping", because="nothing in flight")
        << Stop(WEB, TERM)
        >> at(6)
        >> WorkerExited(WEB, 143, TERM)
        << told("worker.exited", status=143)
        << told("task.exited", status=143, took=1.0)
        << Exit(143)
    )


def test_a_job_in_flight_is_waited_for() -> None:
    """The worker hears of the stop only when its job has ended."""
    assert (
        running()
        >> HoldTaken(J1, ALICE, "mail")
        >> STOP
        << told("task.draining", in_flight=1)
        << Quiet(WEB, None)
        >> at(12)
        >> HoldReleased(J1)
        << told("task.stopping", because="nothing in flight")
        << Stop(WEB, TERM)
        >> WorkerExited(WEB, 0)
        << told("worker.exited", status=0)
        << told("task.exited", status=0)
        << Exit(0)
    )


def test_a_job_that_outlives_the_drain_is_named_once() -> None:
    """When the drain deadline passes, open holds are reported once and the worker is stopped, then killed."""
    assert (
        running()
        >> HoldTaken(J1, ALICE, "mail")
        >> at(5)
        >> STOP
        << told("task.draining")
        << Quiet(WEB, None)
        >> at(24.9)
        >> at(25)
        << told("holds.abandoned", work=("mail (alice)",))
        << told("task.stopping", because="drain deadline passed")
        << Stop(WEB, TERM)
        >> at(32)
        << told("task.killing", because="stop deadline passed")
        << Kill(WEB)
        >> WorkerExited(WEB, 137, SignalName("KILL"))
        << told("worker.exited")
        << told("task.exited", status=137)
        << Exit(137)
    )


def test_work_that_begins_after_the_drain_is_named_when_it_is_killed() -> None:
    """A job taken while the worker is being stopped is abandoned at the kill, and named then."""
    assert (
        running()
        >> STOP
        << told("task.draining")
        << Quiet(WEB, None)
        << told("task.stopping")
        << Stop(WEB, TERM)
        >> at(3)
        >> HoldTaken(J2, ALICE, "late")
        >> at(27)
        << told("holds.abandoned", work=("late (alice)",))
        << told("task.killing")
        << Kill(WEB)
        >> WorkerExited(WEB, 137, SignalName("KILL"))
        << told("worker.exited")
        << told("task.exited")
        << Exit(137)
    )


def test_c28_a_repeated_stop_signal_changes_nothing() -> None:
    """C28: the agent may send its signal again; the deadline stays where the first one put it."""
    assert (
        running()
        >> HoldTaken(J1, ALICE, "mail")
        >> STOP
        << told("task.draining")
        << Quiet(WEB, None)
        >> at(19)
        >> STOP
        >> STOP
        >> at(20)
        << told("holds.abandoned")
        << told("task.stopping")
        << Stop(WEB, TERM)
        >> STOP
    )


def test_one_deadline_bounds_everything() -> None:
    """C28: a worker that survives even SIGKILL is left behind at stop timeout minus exit margin, status 137."""
    script = (
        running("TERM 5 QUIT 5 KILL 1")
        >> STOP
        << told("task.draining")
        << told("task.stopping")
        << Stop(WEB, TERM)
        >> at(5)
        << Stop(WEB, QUIT)
        >> at(9.99)
        >> at(10)
        << told("task.killing")
        << Kill(WEB)
        >> at(10.2)
        << Kill(WEB)
    )
    while (again_at := script.engine.wake_at()) < 28:
        assert script >> at(again_at) << Kill(WEB)
    assert script >> at(28) << told("task.exited", status=137, because="exit deadline passed") << Exit(137)


def test_a_stage_that_ends_early_leaves_its_rest_to_the_later_ones() -> None:
    """The stop deadline is absolute: a drain of two seconds gives the worker 25 to exit, not 7."""
    assert (
        running()
        >> HoldTaken(J1, ALICE, "mail")
        >> STOP
        << told("task.draining")
        << Quiet(WEB, None)
        >> at(2)
        >> HoldReleased(J1)
        << told("task.stopping")
        << Stop(WEB, TERM)
        >> at(26.9)
        >> at(27)
        << told("task.killing")
        << Kill(WEB)
    )


def test_c26_a_worker_that_drains_by_itself_gets_its_signal_once() -> None:
    """C26: where the stop signal means drain, it is sent at the start, once, and never hurried because of holds."""
    assert (
        running(DRAINS, drains=True)
        >> HoldTaken(J1, ALICE, "mail")
        >> STOP
        << told("task.draining")
        << Stop(WEB, TERM)
        >> at(3)
        >> HoldReleased(J1)
        >> at(4)
        >> WorkerExited(WEB, 0)
        << told("worker.exited")
        << told("task.exited", status=0)
        << Exit(0)
    )


def test_a_draining_worker_that_runs_out_of_time_is_killed() -> None:
    """With no stage after the one that drains, its deadline leads straight to the kill."""
    assert (
        running(DRAINS, drains=True)
        >> HoldTaken(J1, ALICE, "mail")
        >> STOP
        << told("task.draining")
        << Stop(WEB, TERM)
        >> at(27)
        << told("holds.abandoned")
        << told("task.killing", because="drain deadline passed")
        << Kill(WEB)
    )


def test_a_quiet_signal_is_sent_before_anything_else() -> None:
    """`TSTP 20 TERM 5 KILL`: quiet by signal, wait for the work, then stop."""
    assert (
        running("TSTP 20 TERM 5 KILL", quiet_signal=TSTP, resumable=False)
        >> HoldTaken(J1, ALICE, "mail")
        >> STOP
        << told("task.draining")
        << Quiet(WEB, TSTP)
        >> at(1)
        >> HoldReleased(J1)
        << told("task.stopping")
        << Stop(WEB, TERM)
    )


def test_a_wait_stage_keeps_serving_for_its_whole_length() -> None:
    """`WAIT 5` sends nothing and does not end early: a load balancer needs the time."""
    assert (
        running("WAIT 5 TERM 20 KILL")
        >> STOP
        << told("task.draining")
        >> at(4.9)
        >> at(5)
        << told("task.stopping", because="drain deadline passed")
        << Stop(WEB, TERM)
    )


def test_a_second_ctrl_c_skips_the_drain() -> None:
    """Only a person at a terminal means "now" with a second signal."""
    ctrl_c = StopRequested("INT", by_terminal=True)
    assert (
        running()
        >> HoldTaken(J1, ALICE, "mail")
        >> ctrl_c
        << told("task.draining")
        << Quiet(WEB, None)
        >> at(1)
        >> STOP
        >> at(2)
        >> ctrl_c
        << told("task.forced", reason="second Ctrl-C")
        << told("holds.abandoned")
        << told("task.stopping", because="forced")
        << Stop(WEB, TERM)
        >> ctrl_c
    )


def test_drain_now_forces_from_anywhere() -> None:
    """An explicit "now" stops a running task without a drain, and is not repeated."""
    assert (
        running()
        >> HoldTaken(J1, ALICE, "mail")
        >> at(3)
        >> ForceRequested("drain --now")
        << told("task.forced")
        << told("holds.abandoned")
        << told("task.stopping", because="forced")
        << Stop(WEB, TERM)
        >> ForceRequested("drain --now")
        >> at(30)
        << told("task.killing")
        << Kill(WEB)
    )


def test_who_forces_waits_for_no_work_that_outlives_the_worker() -> None:
    """Another process may still do it, and keeps an ordinary stop waiting; "now" is meant for that too."""
    assert (
        running()
        >> HoldTaken(J1, ALICE, "mail")
        >> ForceRequested("drain --now")
        << told("task.forced")
        << told("holds.abandoned")
        << told("task.stopping")
        << Stop(WEB, TERM)
        >> WorkerExited(WEB, 143, TERM)
        << told("worker.exited")
        << told("task.exited", status=143)
        << Exit(143)
    )


def test_it_is_never_too_late_to_force() -> None:
    """A stop that only waits for work elsewhere, its worker gone, ends when somebody does not want to wait."""
    assert (
        running()
        >> HoldTaken(J1, ALICE, "mail")
        >> STOP
        << told("task.draining")
        << Quiet(WEB, None)
        >> at(20)
        << told("holds.abandoned")
        << told("task.stopping")
        << Stop(WEB, TERM)
        >> WorkerExited(WEB, 143, TERM)
        << told("worker.exited")
        >> at(22)
        >> ForceRequested("drain --now")
        << told("task.exited", status=143)
        << Exit(143)
    )


def test_forcing_a_worker_that_can_only_drain_kills_it() -> None:
    """Where the sequence knows nothing between the drain and the kill, skipping the drain is the kill."""
    assert (
        running(DRAINS, drains=True)
        >> ForceRequested("drain --now")
        << told("task.forced")
        << told("task.killing", because="forced")
        << Kill(WEB)
    )


def test_an_operators_drain_has_no_clock() -> None:
    """A drain that nobody put a deadline to lasts as long as the job; then the stop has its whole time."""
    assert (
        running()
        >> HoldTaken(J1, ALICE, "mail")
        >> DrainRequested("drain")
        << told("task.draining", reason="drain", seconds=None)
        << Quiet(WEB, None)
        >> at(20_000)
        >> HoldReleased(J1)
        << told("task.stopping", because="nothing in flight")
        << Stop(WEB, TERM)
        >> at(20_026.9)
        >> at(20_027)
        << told("task.killing")
        << Kill(WEB)
    )


def test_a_stop_signal_starts_the_clock_of_a_drain() -> None:
    """When ECS stops the task during an operator's drain, the absolute deadline counts from then."""
    assert (
        running()
        >> HoldTaken(J1, ALICE, "mail")
        >> DrainRequested("drain")
        << told("task.draining")
        << Quiet(WEB, None)
        >> at(1000)
        >> STOP
        << told("task.deadline", reason="TERM", seconds=28.0)
        >> at(1020)
        << told("holds.abandoned")
        << told("task.stopping", because="drain deadline passed")
        << Stop(WEB, TERM)
    )


def test_a_drain_deadline_is_kept_and_only_moved_nearer() -> None:
    """A second request may shorten a drain, never lengthen it."""
    assert (
        running()
        >> HoldTaken(J1, ALICE, "mail")
        >> DrainRequested("drain", Instant(100.0))
        << told("task.draining")
        << Quiet(WEB, None)
        >> DrainRequested("drain", Instant(500.0))
        >> DrainRequested("drain", Instant(50.0))
        >> at(49.9)
        >> at(50)
        << told("holds.abandoned")
        << told("task.stopping", because="drain deadline passed")
        << Stop(WEB, TERM)
        >> DrainRequested("drain", Instant(51.0))
    )


def test_a_drain_of_a_worker_without_a_draining_stage_waits_for_the_hooks() -> None:
    """`TERM 20 KILL` has no stage in which to drain, so an operator's drain waits before the first."""
    assert (
        running("TERM 20 KILL")
        >> HoldTaken(J1, ALICE, "mail")
        >> DrainRequested("drain")
        << told("task.draining")
        >> at(90)
        >> HoldReleased(J1)
        << told("task.stopping", because="nothing in flight")
        << Stop(WEB, TERM)
    )


def test_a_stop_during_such_a_drain_begins_the_sequence() -> None:
    """A stop signal during a drain before the first stage enters that stage at once."""
    assert (
        running("TERM 20 KILL")
        >> HoldTaken(J1, ALICE, "mail")
        >> DrainRequested("drain")
        << told("task.draining")
        >> at(90)
        >> STOP
        << told("task.deadline")
        << told("holds.abandoned")
        << told("task.stopping", because="drain deadline passed")
        << Stop(WEB, TERM)
    )


def test_a_wait_stage_of_a_drain_without_clock_keeps_its_length() -> None:
    """A fixed delay is meant for others; an operator's drain does not stretch it."""
    assert (
        running("WAIT 5 TERM 20 KILL")
        >> at(10)
        >> DrainRequested("drain")
        << told("task.draining")
        >> at(15)
        << told("task.stopping", because="drain deadline passed")
        << Stop(WEB, TERM)
    )


def test_quiet_and_resume() -> None:
    """An operator may stop the fetching and let it go on; work in flight is not touched."""
    assert (
        running()
        >> QuietRequested("looking into it")
        << told("task.quiet", reason="looking into it", in_flight=0)
        << Quiet(WEB, None)
        >> QuietRequested("again")
        >> ResumeRequested("done")
        << told("task.resumed")
        << Resume(WEB, None)
    )


def test_a_worker_that_cannot_resume_is_replaced() -> None:
    """Sidekiq's TSTP has no way back: resuming such a task means draining it, so that ECS starts another."""
    assert (
        running("TSTP 20 TERM 5 KILL", quiet_signal=TSTP, resumable=False)
        >> HoldTaken(J1, ALICE, "mail")
        >> QuietRequested("operator")
        << told("task.quiet")
        << Quiet(WEB, TSTP)
        >> ResumeRequested("operator")
        << told("task.draining", reason="this kind of worker cannot resume")
        >> HoldReleased(J1)
        << told("task.stopping")
        << Stop(WEB, TERM)
    )


def test_a_quiet_worker_that_is_stopped_is_not_told_to_be_quiet_again() -> None:
    """Each signal of the sequence is sent once, across quiet and drain too."""
    assert (
        running("TSTP 20 TERM 5 KILL", quiet_signal=TSTP, resumable=False)
        >> HoldTaken(J1, ALICE, "mail")
        >> QuietRequested("operator")
        << told("task.quiet")
        << Quiet(WEB, TSTP)
        >> STOP
        << told("task.draining")
        >> at(20)
        << told("holds.abandoned")
        << told("task.stopping")
        << Stop(WEB, TERM)
    )


def test_a_stop_before_the_worker_has_started_reaches_it() -> None:
    """C25: a stop signal during the start is not lost; the worker hears of it when it is there."""
    assert (
        Playbook(policy())
        >> STOP
        << told("task.draining")
        << told("task.stopping", because="stop requested before anything was ready")
        >> at(1)
        >> WorkerSpawned(WEB, 7)
        << told("worker.started")
        << Stop(WEB, TERM)
        >> WorkerExited(WEB, 143, TERM)
        << told("worker.exited")
        << told("task.exited")
        << Exit(143)
    )


@pytest.mark.parametrize("request_", [ForceRequested("drain --now"), DrainRequested("drain")])
def test_any_request_to_leave_before_the_start_is_a_stop(request_: ForceRequested | DrainRequested) -> None:
    """There is nothing to drain before anything has started."""
    assert (
        Playbook(policy())
        >> request_
        << told("task.draining")
        << told("task.stopping", because="stop requested before anything was ready")
    )


def test_a_late_worker_is_killed_too() -> None:
    """Where the sequence is KILL alone, a worker that starts after the stop is killed as it appears."""
    assert (
        Playbook(policy(plan("KILL 1")))
        >> STOP
        << told("task.draining")
        << told("task.killing", because="stop requested before anything was ready")
        >> WorkerSpawned(WEB, 7)
        << told("worker.started")
        << Kill(WEB)
    )


def test_a_late_worker_that_drains_by_itself_gets_its_signal() -> None:
    """A stop before the start is no reason to kill a worker whose stop signal means drain."""
    assert (
        Playbook(policy(plan(DRAINS, drains=True)))
        >> STOP
        << told("task.draining")
        >> WorkerSpawned(WEB, 7)
        << told("worker.started")
        << Stop(WEB, TERM)
    )


def test_a_late_worker_hears_of_a_wait_only_when_it_is_over() -> None:
    """A stage that sends nothing tells a late worker nothing."""
    db = WorkerName("db")
    assert (
        Playbook(policy(plan("WAIT 5 TERM 5 KILL"), workers=(WEB, db)))
        >> WorkerSpawned(WEB, 7)
        << told("worker.started")
        << told("task.running")
        >> STOP
        << told("task.draining")
        >> WorkerSpawned(db, 8)
        << told("worker.started")
        >> at(5)
        << told("task.stopping")
        << Stop(WEB, TERM)
        << Stop(db, TERM)
    )


def test_a_late_worker_is_told_to_be_quiet() -> None:
    """A worker that appears while the task is quiet, or drains, is told what the others were told."""
    db = WorkerName("db")
    assert (
        Playbook(policy(workers=(WEB, db)))
        >> WorkerSpawned(WEB, 7)
        << told("worker.started")
        << told("task.running")
        >> HoldTaken(J1, ALICE, "mail")
        >> QuietRequested("operator")
        << told("task.quiet")
        << Quiet(WEB, None)
        >> WorkerSpawned(db, 8)
        << told("worker.started")
        << Quiet(db, None)
        >> STOP
        << told("task.draining")
    )


def test_a_worker_that_cannot_be_started_ends_the_task() -> None:
    """A command that is not there is reported with the status a shell would give."""
    assert (
        Playbook(policy())
        >> SpawnFailed(WEB, 127, "no such file")
        << told("worker.not_started", why="no such file")
        << told("task.exited", status=127, because="a worker cannot be started")
        << Exit(127)
    )


def test_the_worker_decides_when_the_task_ends() -> None:
    """A worker that exits by itself takes the task with it, at once and with its own status."""
    assert (
        running()
        >> at(9)
        >> WorkerExited(WEB, 3)
        << told("worker.exited")
        << told("task.exited", status=3, because="all workers are gone")
        << Exit(3)
    )


def test_work_that_outlives_the_worker_is_waited_for() -> None:
    """RQ's horse goes on when the worker that forked it has died; the task ends when it has finished."""
    assert (
        running()
        >> HoldTaken(J1, ALICE, "horse")
        >> at(9)
        >> WorkerExited(WEB, 1)
        << told("worker.exited")
        << told("task.draining", reason="the worker has exited")
        >> at(15)
        >> HolderDied(ALICE, "its process has ended")
        << told("holder.died")
        << told("task.exited", status=1)
        << Exit(1)
    )


def test_work_that_outlives_the_worker_has_the_drain_to_finish() -> None:
    """The way out that a dead worker begins runs by the same clock, down to the kill."""
    assert (
        running()
        >> HoldTaken(J1, ALICE, "horse")
        >> WorkerExited(WEB, 1)
        << told("worker.exited")
        << told("task.draining")
        >> at(20)
        << told("holds.abandoned")
        << told("task.stopping")
        >> at(27)
        << told("task.killing")
        << told("task.exited", status=1)
        << Exit(1)
    )


def test_other_signals_are_the_workers() -> None:
    """A signal that is none of ours is passed on, in every phase."""
    hup = SignalName("HUP")
    assert running() >> SignalReceived(hup) << Forward(WEB, hup)


def test_a_status_can_be_replaced() -> None:
    """`--remap-exit 143=0`: a worker that dies of its stop signal may count as success."""
    assert (
        running(remap={143: 0})
        >> WorkerExited(WEB, 143, TERM)
        << told("worker.exited")
        << told("task.exited", status=0)
        << Exit(0)
    )


def test_after_exit_nothing_is_said_any_more() -> None:
    """Exit is the last order; facts that come later change nothing."""
    script = (
        running()
        >> WorkerExited(WEB, 0)
        << told("worker.exited")
        << told("task.exited")
        << Exit(0)
        >> STOP
        >> at(99)
    )
    assert script
    assert script.engine.wake_at() == float("inf")


def test_the_hooks_hear_of_every_change_that_concerns_them() -> None:
    """Announce carries phase, admission, stopping, the seconds left and protection, whenever one changes."""
    assert (
        Playbook(policy(), announcements=True)
        >> WorkerSpawned(WEB, 7)
        << told("worker.started")
        << told("task.running")
        << Announce("running", accepting=True, stopping=False, seconds_left=None, protected=False)
        >> HoldTaken(J1, ALICE, "mail")
        >> QuietRequested("operator")
        << told("task.quiet")
        << Quiet(WEB, None)
        << Announce("quiet", accepting=False, stopping=False, seconds_left=None, protected=False)
        >> at(2)
        >> STOP
        << told("task.draining")
        << Announce("draining", accepting=False, stopping=True, seconds_left=20.0, protected=False)
        >> at(22)
        << told("holds.abandoned")
        << told("task.stopping")
        << Stop(WEB, TERM)
        << Announce(
            "stopping", accepting=False, stopping=True, seconds_left=7.0, protected=False, signalled=True
        )
        >> at(29)
        << told("task.killing")
        << Kill(WEB)
        << Announce(
            "killing", accepting=False, stopping=True, seconds_left=0.0, protected=False, signalled=True
        )
    )
