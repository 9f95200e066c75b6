"""Names of signals and their numbers."""

from __future__ import annotations

import signal

from supervisor.config.signals import NAMES, NUMBERS, describe
from supervisor.core.sequence import SIGNAL_NAMES


def test_every_signal_of_the_core_has_the_number_of_this_machine() -> None:
    """The standard library, which asks the C library, agrees on every ordinary signal."""
    assert NUMBERS.keys() == SIGNAL_NAMES | {"KILL"}
    for name, number in NUMBERS.items():
        if not name.startswith("RT"):
            assert number == signal.Signals[f"SIG{name}"], name


def test_real_time_signals_are_counted_from_both_ends() -> None:
    """RTMIN+n and RTMAX-n lie within the real-time signals."""
    assert NUMBERS["RTMIN"] == signal.SIGRTMIN
    assert NUMBERS["RTMIN+3"] == signal.SIGRTMIN + 3
    assert NUMBERS["RTMAX-1"] == signal.SIGRTMAX - 1
    assert all(
        signal.SIGRTMIN <= NUMBERS[name] <= signal.SIGRTMAX for name in NUMBERS if name.startswith("RT")
    )


def test_a_number_has_one_name_which_leads_back_to_it() -> None:
    """Names and numbers agree in both directions."""
    assert {NUMBERS[name] for name in NAMES.values()} == set(NUMBERS.values())
    assert all(NUMBERS[name] == number for number, name in NAMES.items())


def test_a_signal_is_described_by_name_where_it_has_one() -> None:
    """SIGSTOP and the C library's own signals are only numbers to us."""
    assert describe(15) == "TERM"
    assert describe(signal.SIGRTMIN + 4) == "RTMIN+4"
    assert describe(32) == "32"
