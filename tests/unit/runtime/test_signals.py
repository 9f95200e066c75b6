"""Signals in a process of their own, because taking them changes the process that does."""

from __future__ import annotations

import subprocess
import sys

from tests.process.harness import ROOT

PRELUDE = f"""
import os, signal, sys
sys.path.insert(0, {str(ROOT)!r})
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
from supervisor.runtime.signals import Signals
def send(number): os.kill(os.getpid(), number)
"""


def run(script: str) -> str:
    """Return what a script prints in a fresh interpreter in which all signals are blocked at first."""
    done = subprocess.run(
        (sys.executable, "-I", "-c", PRELUDE + script), capture_output=True, text=True, check=True, timeout=20
    )
    return done.stdout.strip()


def test_what_came_while_all_was_blocked_is_taken() -> None:
    """A signal that came before the handlers were in place is there afterwards."""
    assert (
        run("send(15); signals = Signals(); signals.install(); print(signals.came, signals.take())")
        == "True [15]"
    )


def test_order_and_count_are_kept() -> None:
    """Each delivery counts, in its order."""
    script = "signals = Signals(); signals.install()\nfor n in (10, 12, 10, 10): send(n)\nprint(signals.take(), signals.take())"
    assert run(script) == "[10, 12, 10, 10] []"


def test_a_look_takes_nothing_away() -> None:
    """Looking for a stop signal finds the first and leaves all for the loop."""
    script = """
signals = Signals(); signals.install()
send(10); send(2); send(15)
print(signals.first_of({15, 2}), signals.first_of({1}))
send(12)
print(signals.take())
"""
    assert run(script) == "2 None\n[10, 2, 15, 12]"


def test_a_flood_that_fills_the_pipe_loses_no_stop_signal() -> None:
    """Where more signals came than the pipe holds, a late one is still seen."""
    script = """
signals = Signals(); signals.install()
for _ in range(70_000): send(17)
send(15)
taken = signals.take()
print(taken.count(15), len(taken) < 70_000, signals.take())
"""
    assert run(script) == "1 True []"


def test_what_is_armed_is_called_in_the_handler_until_it_leaves_one_to_the_loop() -> None:
    """A signal that is not dealt with, or has nothing armed for it, leaves all that follow to the loop; all are taken.

    So does one that came before anything was armed.
    """
    script = """
signals = Signals(); signals.install()
called = []
def act(number, deals): called.append(number); return deals
signals.arm({10: lambda _: act(10, True), 12: lambda _: act(12, False)})
send(10); send(10); send(12); send(10)
print(called, signals.take(), end=" ")
signals.arm({10: lambda _: act(10, True)})
send(10); send(15); send(10)
print(called[3:], signals.take(), end=" ")
signals.arm({10: lambda _: act(10, True)}); signals.disarm()
send(10)
signals.arm({10: lambda _: act(10, True)})
send(10)
print(called[4:], signals.take())
"""
    assert run(script) == "[10, 10, 12] [10, 10, 12, 10] [10] [10, 15, 10] [] [10, 10]"


def test_no_signal_that_can_be_caught_is_deadly_any_more() -> None:
    """Every signal is caught or ignored but those that report a fault and the two that cannot be."""
    script = """
Signals().install()
dead = [n for n in signal.valid_signals() if signal.getsignal(n) is signal.SIG_DFL]
print(sorted(signal.Signals(n).name for n in dead))
"""
    assert (
        run(script) == "['SIGBUS', 'SIGFPE', 'SIGILL', 'SIGKILL', 'SIGSEGV', 'SIGSTOP', 'SIGSYS', 'SIGTRAP']"
    )
