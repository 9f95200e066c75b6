"""What each signal means."""

from __future__ import annotations

import signal

from supervisor.core.events import DumpRequested, SignalReceived, StopRequested
from supervisor.core.names import SignalName
from supervisor.runtime.meaning import Meanings

STOPS = frozenset((SignalName("TERM"), SignalName("INT"), SignalName("RTMIN+3")))


def meanings(keyboard_is_ours: bool = False, dump: str | None = "RTMIN+4") -> Meanings:
    return Meanings(STOPS, None if dump is None else SignalName(dump), lambda: keyboard_is_ours)


def test_stop_signals_mean_stop() -> None:
    """Each of the stop signals is a stop request that names it."""
    assert meanings().of(signal.SIGTERM) == StopRequested("SIGTERM")
    assert meanings().of(signal.SIGRTMIN + 3) == StopRequested("SIGRTMIN+3")


def test_only_an_interrupt_at_our_keyboard_is_a_persons() -> None:
    """An interrupt is Ctrl-C only where Ctrl-C comes to us; no other signal ever is."""
    assert meanings(keyboard_is_ours=False).of(signal.SIGINT) == StopRequested("SIGINT")
    assert meanings(keyboard_is_ours=True).of(signal.SIGINT) == StopRequested("Ctrl-C", by_terminal=True)
    assert meanings(keyboard_is_ours=True).of(signal.SIGTERM) == StopRequested("SIGTERM")


def test_the_dump_signal_is_not_passed_on() -> None:
    """The dump signal asks us; where it is switched off, it is the worker's like any other."""
    assert meanings().of(signal.SIGRTMIN + 4) == DumpRequested()
    assert meanings(dump=None).of(signal.SIGRTMIN + 4) == SignalReceived(SignalName("RTMIN+4"))


def test_a_childs_end_is_no_fact_by_itself() -> None:
    """SIGCHLD only says that somebody is to be collected."""
    assert meanings().of(signal.SIGCHLD) is None


def test_all_others_are_the_workers() -> None:
    """What has no meaning for us is passed on by name."""
    assert meanings().of(signal.SIGUSR1) == SignalReceived(SignalName("USR1"))


def test_the_handler_is_told_which_numbers_stop_and_which_are_passed_on() -> None:
    """All but those with another meaning for us are one or the other."""
    known = meanings()
    assert known.stops() == {signal.SIGTERM, signal.SIGINT, signal.SIGRTMIN + 3}
    forwards = known.forwards()
    assert forwards[signal.SIGUSR1] == "USR1"
    ours = {*known.stops(), signal.SIGRTMIN + 4, signal.SIGCHLD, signal.SIGCONT, signal.SIGTSTP}
    assert ours.isdisjoint(forwards)
    assert signal.SIGRTMIN + 4 in meanings(dump=None).forwards()
