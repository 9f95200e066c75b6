"""What is counted of all that was decided."""

from __future__ import annotations

import pytest

from supervisor.core.effects import (
    Announce,
    Effect,
    Kill,
    Level,
    LookAtProtection,
    Protect,
    Stop,
    Unprotect,
    note,
)
from supervisor.core.events import (
    Event,
    HoldTaken,
    ProtectionCleared,
    ProtectionGranted,
    ProtectionRefused,
    ProtectionSeen,
    ProtectionUnknown,
    Refusal,
    StopRequested,
    Tick,
)
from supervisor.core.instants import Instant
from supervisor.core.names import Attempt, HolderId, HoldId, SignalName, WorkerName
from supervisor.core.tally import LATENCY_BUCKETS, Counts, Tally

WEB = WorkerName("web")
FIRST, SECOND = Attempt(1), Attempt(2)
HOLD = HoldTaken(HoldId("j1"), HolderId("alice"), "mail")


def counted(*decisions: tuple[float, Event, tuple[Effect, ...]], now: float = 100.0) -> Counts:
    tally = Tally()
    for at, fact, effects in decisions:
        tally.count(Instant(at), fact, effects)
    return tally.read(Instant(now))


def test_nothing_has_happened() -> None:
    """At the beginning all is zero, and there is no stop."""
    assert counted() == Counts({}, {}, {}, 0, 0, 0, 0, 0, None, None)


@pytest.mark.parametrize(
    ("order", "call"),
    [(Protect(FIRST, 60), "protect"), (Unprotect(FIRST), "unprotect"), (LookAtProtection(FIRST), "look")],
)
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (ProtectionGranted(FIRST, 3600.0), "granted"),
        (ProtectionCleared(FIRST), "cleared"),
        (ProtectionSeen(FIRST, None), "seen"),
        (ProtectionRefused(FIRST, Refusal.NOT_ALLOWED, "AccessDenied"), "not_allowed"),
        (ProtectionUnknown(FIRST, "timeout"), "unknown"),
    ],
)
def test_a_call_is_counted_with_its_answer(order: Effect, call: str, answer: Event, outcome: str) -> None:
    """By what was asked and what came of it, with the time in between."""
    # A job's hold is what a call follows from, mostly.
    counts = counted((10.0, HOLD, (order,)), (10.2, answer, ()))
    assert counts.calls == {(call, outcome): 1}
    [latency] = counts.latency.values()
    assert latency.sum == pytest.approx(0.2)
    assert (latency.count, latency.buckets[LATENCY_BUCKETS.index(0.25)]) == (1, 1)


def test_latencies_add_up() -> None:
    """Each call is in one bucket, a very long one in the last."""
    counts = counted(
        (0.0, Tick(), (Protect(FIRST, 60),)),
        (0.01, ProtectionUnknown(FIRST, "x"), (Protect(SECOND, 60),)),
        (60.01, ProtectionGranted(SECOND, 60.0), ()),
    )
    latency = counts.latency["protect"]
    assert (latency.buckets[0], latency.buckets[-1], latency.count) == (1, 1, 2)
    assert latency.sum == pytest.approx(60.01)


def test_an_answer_to_what_was_not_asked_last_is_not_counted() -> None:
    """It is stale, as it is for the core."""
    assert counted((0.0, ProtectionGranted(FIRST, 60.0), ())).calls == {}
    stale = counted((0.0, Tick(), (Protect(SECOND, 60),)), (1.0, ProtectionGranted(FIRST, 60.0), ()))
    assert stale.calls == {}


def test_orders_to_workers_and_notes_are_counted() -> None:
    """Whatever fact they followed from; announcements are not."""
    counts = counted(
        (0.0, HOLD, ()),
        (1.0, Tick(), (Announce("running", True, False, None, False), note("hold.expired", hold="x"))),
        (2.0, Tick(), (note("protection.lapsed", Level.ERROR), Stop(WEB, SignalName("TERM")))),
        (3.0, Tick(), (Kill(WEB), Kill(WEB), note("hold.expired", hold="y"))),
    )
    assert (counts.stops, counts.kills, counts.lapses) == (1, 2, 1)
    assert counts.notes == {"hold.expired": 2, "protection.lapsed": 1}


def test_jobs_that_were_given_up_are_counted_one_by_one() -> None:
    """A note names all that were given up at the time."""
    given_up = note("holds.abandoned", Level.ERROR, work=("mail (alice)", "report (bob)"))
    assert counted((0.0, Tick(), (given_up,)), (1.0, Tick(), (given_up,))).abandoned == 4
    assert counted((0.0, Tick(), (note("holds.abandoned", work="?"),))).abandoned == 0


def test_a_stop_uses_up_its_time() -> None:
    """From the stop request on, as seconds and as a share of what there is; a repeated signal changes nothing."""
    stop = StopRequested("SIGTERM")
    counts = counted(
        (50.0, stop, (note("task.draining", seconds=100.0),)),
        (60.0, stop, (note("task.deadline", seconds=90.0),)),
        now=75.0,
    )
    assert (counts.drains, counts.stop_used, counts.stop_share) == (1, 25.0, 0.25)


def test_a_drain_without_a_clock_uses_up_nothing() -> None:
    """Until the platform asks for the stop as well."""
    drain = (0.0, Tick(), (note("task.draining", seconds=None),))
    assert counted(drain).stop_used is None
    counts = counted(drain, (80.0, Tick(), (note("task.deadline", seconds=40.0),)))
    assert (counts.stop_used, counts.stop_share) == (20.0, 0.5)


def test_a_forced_stop_has_a_beginning_but_no_plan() -> None:
    """How long it takes is known, and not how long it might have taken."""
    counts = counted((90.0, Tick(), (note("task.forced", Level.WARNING, reason="now"),)))
    assert (counts.stop_used, counts.stop_share) == (10.0, None)


def test_what_was_read_stays_as_it_was() -> None:
    """It is handed to another thread while counting goes on."""
    tally = Tally()
    before = tally.read(Instant(0.0))
    tally.count(Instant(1.0), Tick(), (note("task.draining"), Protect(FIRST, 60)))
    tally.count(Instant(2.0), ProtectionGranted(FIRST, 60.0), ())
    assert (before.notes, before.calls, before.latency) == ({}, {}, {})
