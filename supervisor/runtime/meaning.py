"""What a signal that we were sent means: a fact for the engine, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from supervisor.config.signals import NUMBERS, describe
from supervisor.core.events import DumpRequested, Event, SignalReceived, StopRequested
from supervisor.core.names import SignalName

CHILD_ENDED = NUMBERS["CHLD"]
CONTINUED = NUMBERS["CONT"]
PUT_ASIDE = NUMBERS["TSTP"]

_INTERRUPT = SignalName("INT")


@dataclass(frozen=True, slots=True)
class Meanings:
    """stop, dump: the signals with these meanings; all others are meant for the worker.

    keyboard_is_ours: says whether Ctrl-C comes to us, so that an interrupt is a person's doing.
    """

    stop: frozenset[SignalName]
    dump: SignalName | None
    keyboard_is_ours: Callable[[], bool]

    def of(self, number: int) -> Event | None:
        """Return the fact that a signal is; None for the one that only says that children have ended."""
        if number == CHILD_ENDED:
            return None
        name = SignalName(describe(number))
        if name in self.stop:
            by_terminal = name == _INTERRUPT and self.keyboard_is_ours()
            return StopRequested("Ctrl-C" if by_terminal else f"SIG{name}", by_terminal)
        return DumpRequested() if name == self.dump else SignalReceived(name)
