"""The hooks in the worker: whose gate is shut, who has been heard of, and what is told about them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor.core import attachments
from supervisor.core.attachments import MOST_TOLD, AttachmentPolicy, Attachments, Phase
from supervisor.core.edges import check_move
from supervisor.core.effects import Effect, Quiet, Resume, Stop
from supervisor.core.events import (
    AdviceGiven,
    DrainRequested,
    GateOpened,
    GateShut,
    HolderDied,
    HoldReleased,
    HoldTaken,
    HookAttached,
    QuietRequested,
    ResumeRequested,
    StopRequested,
    WorkerExited,
    WorkerSpawned,
    WorkReserved,
)
from supervisor.core.inner import GatesAre
from supervisor.core.instants import NEVER, Instant
from supervisor.core.names import SignalName
from tests.unit.core.playbook import ALICE, BOB, J1, WEB, Playbook, at, plan, policy, told

TERM = SignalName("TERM")
NOW = Instant(0.0)
A = HookAttached(ALICE, "celery w1", "celery", "5.7.0", gated=True)
B = HookAttached(BOB, "celery w2", "celery", "5.7.0", gated=True)


def running(expected: str | None = None, stages: str = "QUIET 20 TERM 7 KILL 1") -> Playbook:
    what = replace(policy(plan(stages)), attachments=AttachmentPolicy(expected, patience=10))
    return Playbook(what) >> WorkerSpawned(WEB, 7) << told("worker.started") << told("task.running")


def test_a_stop_waits_for_the_gates_and_then_for_the_work() -> None:
    """Quiet, confirmed, nothing in flight, and only then the one stop signal."""
    assert (
        running()
        >> A
        << told("hook.attached", framework="celery", version="5.7.0", gate=True)
        >> HoldTaken(J1, ALICE, "send_mail")
        >> StopRequested("SIGTERM")
        << told("task.draining")
        << Quiet(WEB, None)
        >> GateShut(ALICE)
        << told("quiet.confirmed", gates=1, in_flight=1)
        >> at(3)
        >> HoldReleased(J1)
        << told("task.stopping", because="nothing in flight")
        << Stop(WEB, TERM)
    )


def test_an_idle_worker_is_stopped_only_when_its_gate_is_shut() -> None:
    """Nothing in flight is not enough: a job could be on its way from the queue."""
    assert (
        running()
        >> A
        << told("hook.attached")
        >> StopRequested("SIGTERM")
        << told("task.draining")
        << Quiet(WEB, None)
        >> at(0.5)
        >> GateShut(ALICE)
        << told("quiet.confirmed")
        << told("task.stopping")
        << Stop(WEB, TERM)
    )


def test_all_gates_are_waited_for() -> None:
    """Each process that fetches has a gate of its own; the last one counts."""
    assert (
        running()
        >> A
        << told("hook.attached")
        >> B
        >> StopRequested("SIGTERM")
        << told("task.draining")
        << Quiet(WEB, None)
        >> GateShut(BOB)
        >> GateShut(ALICE)
        << told("quiet.confirmed", gates=2)
        << told("task.stopping")
        << Stop(WEB, TERM)
    )


def test_a_hook_that_ends_is_not_waited_for() -> None:
    """A process that is gone takes no work."""
    assert (
        running()
        >> A
        << told("hook.attached")
        >> StopRequested("SIGTERM")
        << told("task.draining")
        << Quiet(WEB, None)
        >> HolderDied(ALICE, "process 8 has ended")
        << told("task.stopping")
        << Stop(WEB, TERM)
    )


def test_a_gate_that_does_not_answer_is_given_up() -> None:
    """A hook that hangs costs five seconds of the drain, not all of it, and is named."""
    assert (
        running()
        >> A
        << told("hook.attached")
        >> StopRequested("SIGTERM")
        << told("task.draining")
        << Quiet(WEB, None)
        >> at(5)
        << told("quiet.unconfirmed", gates=("celery w1",))
        << told("task.stopping")
        << Stop(WEB, TERM)
    )


def test_a_gate_given_up_does_not_cut_work_short() -> None:
    """Without its word the drain still waits for what is in flight."""
    assert (
        running()
        >> A
        << told("hook.attached")
        >> HoldTaken(J1, ALICE, "send_mail")
        >> StopRequested("SIGTERM")
        << told("task.draining")
        << Quiet(WEB, None)
        >> at(5)
        << told("quiet.unconfirmed")
        >> at(9)
        >> HoldReleased(J1)
        << told("task.stopping")
        << Stop(WEB, TERM)
    )


def test_an_operators_quiet_is_confirmed_and_resumed() -> None:
    """The word is asked for anew after each resume."""
    assert (
        running()
        >> A
        << told("hook.attached")
        >> QuietRequested("operator")
        << told("task.quiet")
        << Quiet(WEB, None)
        >> GateShut(ALICE)
        << told("quiet.confirmed")
        >> ResumeRequested("operator")
        << told("task.resumed")
        << Resume(WEB, None)
        >> GateOpened(ALICE)
        >> QuietRequested("operator")
        << told("task.quiet")
        << Quiet(WEB, None)
        >> GateShut(ALICE)
        << told("quiet.confirmed")
        >> StopRequested("SIGTERM")
        << told("task.draining")
        << told("task.stopping")
        << Stop(WEB, TERM)
    )


def test_a_gate_that_was_shut_before_the_quiet_stage_needs_no_second_word() -> None:
    """A hook says what changes; what it has said stands."""
    assert (
        running()
        >> A
        << told("hook.attached")
        >> GateShut(ALICE)
        >> GateShut(ALICE)
        >> GateOpened(ALICE)
        >> GateOpened(ALICE)
        >> GateShut(ALICE)
        >> StopRequested("SIGTERM")
        << told("task.draining")
        << Quiet(WEB, None)
        << told("quiet.confirmed")
        << told("task.stopping")
        << Stop(WEB, TERM)
    )


def test_a_sequence_without_a_quiet_stage_waits_for_no_gate() -> None:
    """Whoever writes TERM first means TERM first."""
    assert (
        running(stages="TERM 27 KILL 1")
        >> A
        << told("hook.attached")
        >> StopRequested("SIGTERM")
        << told("task.draining")
        << told("task.stopping")
        << Stop(WEB, TERM)
    )


def test_an_operators_drain_waits_for_the_gates_without_a_clock() -> None:
    """The wait for a gate has its own bound even where the drain has none."""
    assert (
        running(stages="TERM 27 KILL 1")
        >> A
        << told("hook.attached")
        >> DrainRequested("operator")
        << told("task.draining")
        >> at(5)
        << told("quiet.unconfirmed")
        << told("task.stopping")
        << Stop(WEB, TERM)
    )


def test_a_hook_that_was_attached_and_stays_silent_is_told_about_once() -> None:
    """An attachment that came back broken would leave the jobs unprotected without a word."""
    assert (
        running("celery")
        >> at(9)
        >> at(10)
        << told("hook.silent", framework="celery", seconds=10)
        >> at(60)
        >> A
        << told("hook.attached")
    )


def test_a_hook_that_speaks_in_time_is_not_missed() -> None:
    """The first word of the framework's hook ends the wait; another framework's does not."""
    assert (
        running("rq")
        >> A
        << told("hook.attached", framework="celery")
        >> HookAttached(BOB, "rq worker", "rq", "3.0.0", gated=True)
        << told("hook.attached", framework="rq")
        >> at(60)
    )


@pytest.mark.parametrize("fact", [StopRequested("SIGTERM"), WorkerExited(WEB, 0)])
def test_on_the_way_out_nobody_is_missed(fact: StopRequested | WorkerExited) -> None:
    """A worker that is being stopped, or has ended, need not say hello."""
    state = Attachments(AttachmentPolicy("rq", patience=10))
    state, _ = attachments.step(state, WorkerSpawned(WEB, 7), NOW)
    assert attachments.wake_at(state) == Instant(10)
    engine = running("rq").engine
    engine.handle(fact, Instant(1.0))
    assert all(
        effect.name != "hook.silent" for effect in engine.handle(fact, Instant(15)) if hasattr(effect, "name")
    )


def test_a_hook_that_repeats_itself_is_the_same_hook() -> None:
    """After a flush it may say hello again; what it has said since is not forgotten, and told once."""
    state = Attachments(AttachmentPolicy())
    effects: list[Effect] = []
    for fact in (A, GateShut(ALICE), WorkReserved(ALICE, 4), A):
        state, more = attachments.step(state, fact, NOW)
        effects += more
    known = state.open[ALICE]
    assert (known.gate, known.reserved, len(effects)) == (Phase.SHUT, 4, 1)
    assert attachments.gates(state) == GatesAre(1, ())


def test_words_of_unknown_hooks_change_nothing() -> None:
    """A connection that never said what it is attached to has no gate."""
    state = Attachments(AttachmentPolicy())
    for fact in (GateShut(ALICE), GateOpened(ALICE), WorkReserved(ALICE, 4), HolderDied(ALICE, "")):
        assert attachments.step(state, fact, NOW) == (state, ())
    assert attachments.wake_at(state) == NEVER


def test_a_hook_without_a_gate_is_not_waited_for() -> None:
    """Where a framework has no gate, nobody can give its word."""
    state, _ = attachments.step(Attachments(AttachmentPolicy()), replace(A, gated=False), NOW)
    assert attachments.gates(state) == GatesAre(0, ())


def test_advice_without_end_is_not_remembered_without_end() -> None:
    """A hook that names another setting each time costs neither memory nor log for ever."""
    state = Attachments(AttachmentPolicy())
    heard = 0
    for number in range(2 * MOST_TOLD):
        advice = AdviceGiven(ALICE, f"setting {number}", "why", "fix")
        state, effects = attachments.step(state, advice, NOW)
        heard += len(effects)
    assert (heard, len(state.told)) == (MOST_TOLD, MOST_TOLD)


def test_advice_is_passed_on_once() -> None:
    """However many processes of a pool find the same setting, it is one line."""
    assert (
        running()
        >> AdviceGiven(ALICE, "task_acks_late", "jobs are lost", "set it")
        << told("worker.advice", setting="task_acks_late", why="jobs are lost", fix="set it")
        >> AdviceGiven(BOB, "task_acks_late", "jobs are lost", "set it")
        >> AdviceGiven(BOB, "prefetch", "late", "set it")
        << told("worker.advice", setting="prefetch")
    )


def test_hooks_that_come_while_it_drains_count_at_once() -> None:
    """A process that the worker has just started may fetch as well."""
    assert (
        running()
        >> HoldTaken(J1, ALICE, "job")
        >> StopRequested("SIGTERM")
        << told("task.draining")
        << Quiet(WEB, None)
        >> A
        << told("hook.attached")
        >> HoldReleased(J1)
        >> GateShut(ALICE)
        << told("quiet.confirmed")
        << told("task.stopping")
        << Stop(WEB, TERM)
    )


def test_the_table_is_the_law() -> None:
    """What has gone does not come back."""
    assert check_move(attachments.EDGES, Phase.OPEN, Phase.GONE, "its hook has ended") is Phase.GONE
    assert not [edge for edge in attachments.EDGES if edge.from_ is Phase.GONE]
