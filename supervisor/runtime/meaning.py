"""What a signal that we were sent means: a fact for the engine, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from supervisor.config.signals import NAMES, NUMBERS, describe
from supervisor.core.events import DumpRequested, Event, SignalReceived, StopRequested
from supervisor.core.names import SignalName

CHILD_ENDED = NUMBERS["CHLD"]
CONTINUED = NUMBERS["CONT"]
PUT_ASIDE = NUMBERS["TSTP"]

_INTERRUPT = SignalName("INT")

# They are more to us than something to pass on, so they wait for the loop.
_NOT_ONLY_FOR_THE_WORKER = (CHILD_ENDED, CONTINUED, PUT_ASIDE)


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

    def stops(self) -> frozenset[int]:
        """Return the numbers of the signals that are stop requests."""
        return frozenset(NUMBERS[name] for name in self.stop)

    def forwards(self) -> dict[int, SignalName]:
        """Return the signals that mean nothing to us, by number."""
        ours = (*self.stops(), *_NOT_ONLY_FOR_THE_WORKER)
        return {
            number: SignalName(name)
            for number, name in NAMES.items()
            if number not in ours and name != self.dump
        }
