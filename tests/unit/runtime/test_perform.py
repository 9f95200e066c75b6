"""Each order leads to one call of a port."""

from __future__ import annotations

import pytest

from supervisor.core.effects import (
    Announce,
    Dump,
    Effect,
    Exit,
    Forward,
    Grant,
    Kill,
    Level,
    LookAtProtection,
    Protect,
    Quiet,
    Refuse,
    Resume,
    Spawn,
    Stop,
    Unprotect,
    note,
)
from supervisor.core.events import WorkerSpawned
from supervisor.core.names import Attempt, HoldId, SignalName, WorkerName
from supervisor.runtime.perform import Performer
from tests.unit.runtime.shell import Recorder

WEB = WorkerName("web")
HOLD = HoldId("1#1/1")
NEWS = Announce("running", True, False, None, False)
TERM, TSTP = SignalName("TERM"), SignalName("TSTP")
CONTEXT = (("phase", "running"),)


def performer(ports: Recorder, connected: bool = True) -> Performer:
    return Performer(
        workers=ports,
        hooks=ports if connected else None,
        protector=ports if connected else None,
        log=ports,
        context=lambda: CONTEXT,
        dump=lambda: ports.calls.append(("dump",)),
        sweep_limit=0.5,
    )


@pytest.mark.parametrize(
    ("effect", "calls"),
    [
        (note("x"), [("write", note("x"), CONTEXT)]),
        (NEWS, [("announce", NEWS)]),
        (Grant(HOLD, True), [("answer", Grant(HOLD, True))]),
        (Refuse(HOLD, "no"), [("answer", Refuse(HOLD, "no"))]),
        (Forward(WEB, TERM), [("signal", WEB, TERM)]),
        (Quiet(WEB, TSTP), [("signal", WEB, TSTP)]),
        (Quiet(WEB, None), []),
        (Resume(WEB, TERM), [("signal", WEB, TERM)]),
        (Resume(WEB, None), []),
        (Stop(WEB, TERM), [("stop", WEB, TERM)]),
        (Kill(WEB), [("kill", WEB)]),
        (Protect(Attempt(1), 60), [("submit", Protect(Attempt(1), 60))]),
        (Unprotect(Attempt(1)), [("submit", Unprotect(Attempt(1)))]),
        (LookAtProtection(Attempt(1)), [("submit", LookAtProtection(Attempt(1)))]),
        (Dump(), [("dump",)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_order_is_carried_out_by_its_port(effect: Effect, calls: list[tuple[object, ...]]) -> None:
    """Every order that brings about no fact leads to these calls and nothing else."""
    ports = Recorder()
    assert performer(ports).perform(effect) is None
    assert ports.calls == calls


def test_a_start_brings_its_fact() -> None:
    """Whether the worker could be started is known at once, so it is the engine's next fact."""
    assert performer(Recorder()).perform(Spawn(WEB)) == WorkerSpawned(WEB, 7)


def test_without_hooks_and_protector_their_orders_end_here() -> None:
    """Where there is nobody to tell, nothing happens."""
    ports = Recorder()
    alone = performer(ports, connected=False)
    for effect in (NEWS, Grant(HOLD, True), Protect(Attempt(1), 60)):
        assert alone.perform(effect) is None
    assert ports.calls == []


def test_the_tree_is_swept_before_the_exit() -> None:
    """The order to exit first ends what is left; only then there is a status."""
    ports = Recorder()
    last = performer(ports)
    assert last.exit_status is None
    last.perform(Exit(143))
    assert last.exit_status == 143
    assert ports.calls == [("sweep", 0.5)]


def test_what_survives_the_sweep_is_told() -> None:
    """A process that even SIGKILL did not end is an error that people should know of."""
    ports = Recorder(survivors=2)
    performer(ports).perform(Exit(137))
    assert ports.calls[1] == ("write", note("task.left_behind", Level.ERROR, processes=2), CONTEXT)


def test_it_remembers_that_the_worker_was_asked() -> None:
    """Whoever has to finish the stop must know whether the worker has had its signal."""
    first = performer(Recorder())
    assert not first.asked_to_stop
    first.perform(Stop(WEB, TERM))
    assert first.asked_to_stop


def test_an_order_can_be_prepared() -> None:
    """What is prepared does the same, and nothing before it is called."""
    ports = Recorder()
    prepares = performer(ports)
    orders = (Quiet(WEB, None), Quiet(WEB, TSTP), Stop(WEB, TERM), Forward(WEB, TERM))
    steps = [step for order in orders for step in prepares.prepared(order)]
    assert (ports.calls, prepares.asked_to_stop) == ([], False)
    for step in steps:
        step()
    assert ports.calls == [("signal", WEB, TSTP), ("stop", WEB, TERM), ("signal", WEB, TERM)]
    assert prepares.asked_to_stop
