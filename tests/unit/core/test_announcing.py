"""What hooks are told; when they are told is in test_lifecycle.py."""

from __future__ import annotations

from supervisor.core.announcing import news
from supervisor.core.effects import Announce, Quiet, Stop
from supervisor.core.events import HoldTaken, StopRequested, WorkerSpawned
from supervisor.core.instants import Instant
from supervisor.core.lifecycle import Lifecycle
from supervisor.core.names import SignalName
from supervisor.core.protection import Phase, Protection, ProtectionPolicy

from .playbook import ALICE, J1, WEB, Playbook, at, policy, told

OFF = Protection(ProtectionPolicy(), Phase.ABSENT)


def draining() -> Playbook:
    return (
        Playbook(policy())
        >> WorkerSpawned(WEB, 7)
        << told("worker.started")
        << told("task.running")
        >> HoldTaken(J1, ALICE, "mail")
        >> StopRequested("TERM")
        << told("task.draining")
        << Quiet(WEB, None)
    )


def life(script: Playbook) -> Lifecycle:
    return script.engine._lifecycle


def test_the_seconds_that_pass_are_no_news() -> None:
    """Hooks count them down themselves; who is told later is told of fewer."""
    found = life(draining())
    early, late = news(found, OFF, Instant(0.0)), news(found, OFF, Instant(5.0))
    assert early == late
    assert early.announce(Instant(0.0)) == Announce("draining", False, True, 20.0, False, False)
    assert late.announce(Instant(5.0)) == Announce("draining", False, True, 15.0, False, False)


def test_the_stop_signal_is_news() -> None:
    """Who hears that the worker has been asked to exit need not ask it again."""
    script = draining()
    before = news(life(script), OFF, script.now)
    stopping = script >> at(20) << told("holds.abandoned") << told("task.stopping")
    stopping = stopping << Stop(WEB, SignalName("TERM"))
    after = news(life(stopping), OFF, stopping.now)
    assert (before.signalled, after.signalled) == (False, True)
    assert before != after
