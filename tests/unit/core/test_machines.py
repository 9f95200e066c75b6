"""What there is to see of the machines at an instant."""

from __future__ import annotations

from supervisor.core.engine import Engine
from supervisor.core.events import HoldTaken, StopRequested, WorkerSpawned
from supervisor.core.instants import Instant

from .playbook import ALICE, J1, J2, WEB, policy


def working() -> Engine:
    """A task with one job in flight, not on ECS."""
    engine = Engine(policy(), Instant(0.0))
    engine.handle(WorkerSpawned(WEB, 7), Instant(0.0))
    engine.handle(HoldTaken(J1, ALICE, "mail", ttl=60.0), Instant(0.0))
    return engine


def test_every_log_line_says_phase_and_work_in_flight() -> None:
    """While no clock runs there is nothing more to say."""
    assert working().context(Instant(5.0)) == (("phase", "running"), ("in_flight", 1))


def test_while_a_clock_runs_every_log_line_says_what_is_left() -> None:
    """The seconds left are those until the supervisor will have exited."""
    engine = working()
    engine.handle(StopRequested("TERM"), Instant(10.0))
    assert engine.context(Instant(12.34)) == (("phase", "draining"), ("in_flight", 1), ("seconds_left", 25.7))
    assert engine.context(Instant(99.0))[-1] == ("seconds_left", 0.0)


def test_one_hold_can_be_looked_at() -> None:
    """How old it is and when it ends by itself; one that is not open is none."""
    engine = working()
    known = engine.hold(J1, Instant(5.0))
    assert known is not None
    assert (known.about, known.age, known.expires_in) == ("mail", 5.0, 55.0)
    assert engine.hold(J2, Instant(5.0)) is None
    assert engine.hold_count() == 1


def test_who_has_work_hears_what_matters_to_it() -> None:
    """Whether work is welcome, how long there is for it, and why the task is not protected."""
    engine = working()
    before = engine.standing(Instant(5.0))
    assert (before.phase, before.accepting, before.stopping, before.seconds_left) == (
        "running",
        True,
        False,
        None,
    )
    assert (before.protected, before.protected_for, before.because) == (False, None, "not on ECS")
    engine.handle(StopRequested("TERM"), Instant(10.0))
    after = engine.standing(Instant(12.0))
    assert (after.phase, after.accepting, after.stopping) == ("draining", False, True)
    assert after.seconds_left is not None
    assert after.seconds_left > 0
