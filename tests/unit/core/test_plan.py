"""The way out on the clock."""

from __future__ import annotations

import pytest

from supervisor.core.effects import Kill, Stop
from supervisor.core.events import StopRequested, WorkerSpawned
from supervisor.core.instants import Instant
from supervisor.core.names import SignalName
from supervisor.core.plan import StopPlan
from supervisor.core.sequence import Stage

from .playbook import WEB, Playbook, at, plan, policy, told

T0 = Instant(100.0)


def draining(which: StopPlan) -> list[bool]:
    return [which.is_draining(index) for index in range(len(which.stages))]


def test_every_stage_ends_at_an_absolute_time() -> None:
    """The ends are counted from the stop request, however early the stages before were over."""
    ends = [plan("QUIET 20 TERM 7 KILL 1").ends_at(index, T0) for index in range(3)]
    assert ends == [120, 127, 128]


def test_the_exit_lies_before_the_stop_timeout() -> None:
    """C28: the margin is kept back from what ECS gives, not from the stages."""
    assert plan("TERM 5 KILL 1", stop_timeout=30, exit_margin=2).exits_by(T0) == 128


def test_quiet_and_wait_let_the_worker_finish() -> None:
    """Work goes on until the first stage that asks the worker to exit."""
    assert draining(plan("WAIT 5 QUIET 10 TERM 7 KILL 1")) == [True, True, False, False]
    assert plan("WAIT 5 QUIET 10 TERM 7 KILL 1").after_draining() == 2


def test_only_the_last_stage_kills() -> None:
    """SIGKILL is a stage like any other, and always the last."""
    which = plan("QUIET 20 TERM 7 KILL 1")
    assert [which.is_killing(index) for index in range(3)] == [False, False, True]


def test_where_the_stop_signal_means_drain_its_stage_is_one_to_finish_in() -> None:
    """C26: Celery's SIGTERM is quiet, drain and exit in one; the signal after it is a real stop."""
    which = plan("TERM 20 QUIT 5 KILL 1", drains=True)
    assert draining(which) == [True, False, False]
    assert which.after_draining() == 1
    assert which.drain_ends_at(T0) == 120


def test_a_sequence_that_only_kills_drains_nothing() -> None:
    """Even where the stop signal would drain: work is interrupted at once."""
    which = plan("KILL 1", drains=True)
    assert draining(which) == [False]
    assert which.drain_ends_at(T0) == T0
    assert which.after_draining() == 0


def test_the_drain_ends_with_the_last_stage_that_allows_it() -> None:
    """Several stages in which to finish count as one drain."""
    assert plan("WAIT 5 QUIET 10 TERM 7 KILL 1").drain_ends_at(T0) == 115


def test_a_stage_after_the_stop_does_not_bring_the_drain_back() -> None:
    """`TERM 5 WAIT 5 KILL`: five seconds to exit, five more to wait, then SIGKILL; phases only advance."""
    term = SignalName("TERM")
    assert (
        Playbook(policy(plan("TERM 5 WAIT 5 KILL 1")))
        >> WorkerSpawned(WEB, 7)
        << told("worker.started")
        << told("task.running")
        >> StopRequested("TERM")
        << told("task.draining")
        << told("task.stopping")
        << Stop(WEB, term)
        >> at(9.9)
        >> at(10)
        << told("task.killing")
        << Kill(WEB)
    )


@pytest.mark.parametrize(
    ("stages", "complaint"),
    [
        ((), "empty"),
        ((Stage("stop", "TERM", 5.0),), "does not end with KILL"),
        ((Stage("stop", "TERM", 28.0), Stage("kill", None, 1.0)), "takes 28 [+] 1 = 29 s"),
    ],
)
def test_nonsense_is_refused_when_the_plan_is_made(stages: tuple[Stage, ...], complaint: str) -> None:
    """A plan that could not be kept does not come into being, and says everything that is wrong with it."""
    with pytest.raises(ValueError, match=complaint):
        StopPlan(stages, stop_timeout=30, exit_margin=2)
