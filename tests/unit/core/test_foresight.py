"""What signals are foreseen to mean."""

from __future__ import annotations

from supervisor.core.effects import Effect, Forward, Kill, Quiet, Stop, note
from supervisor.core.events import HoldTaken
from supervisor.core.foresight import foresee, imagined
from supervisor.core.holds import HoldPolicy, Holds, is_working, step
from supervisor.core.instants import Instant
from supervisor.core.names import HolderId, HoldId, SignalName, WorkerName

WEB, MAIL = WorkerName("web"), WorkerName("mail")
TERM, HUP = SignalName("TERM"), SignalName("HUP")
NOW = Instant(7.0)


def test_only_the_orders_to_workers_are_urgent() -> None:
    """What people and hooks are told can wait until the engine is asked."""

    def orders(working: bool) -> tuple[Effect, ...]:
        end: Effect = Quiet(WEB, None) if working else Kill(WEB)
        return note("task.draining"), Stop(WEB, TERM), end

    known = foresee(("running",), (WEB,), orders)
    assert known.situation == ("running",)
    assert known.stop(working=False) == known.idle == (Stop(WEB, TERM), Kill(WEB))
    assert known.stop(working=True) == known.working == (Stop(WEB, TERM), Quiet(WEB, None))
    assert not known.is_certain


def test_it_is_certain_where_work_makes_no_difference() -> None:
    """A sequence that begins with the stop signal needs to know nothing of what is in flight."""
    assert foresee((), (WEB,), lambda _: (Stop(WEB, TERM),)).is_certain


def test_a_signal_is_passed_on_to_all_who_are_alive() -> None:
    """Each worker gets what was meant for the workers."""
    known = foresee((), (WEB, MAIL), lambda _: ())
    assert known.forward(HUP) == (Forward(WEB, HUP), Forward(MAIL, HUP))


def test_work_can_be_imagined_and_imagined_away() -> None:
    """Whatever is in flight, both cases can be looked at, and what is true stays as it is."""
    none = Holds(HoldPolicy())
    one, _ = step(none, HoldTaken(HoldId("1"), HolderId("alice"), "mail", ttl=5), NOW)
    for state in (none, one):
        assert is_working(imagined(state, True, NOW))
        assert not is_working(imagined(state, False, NOW))
    assert (len(none.open), len(one.open)) == (0, 1)
