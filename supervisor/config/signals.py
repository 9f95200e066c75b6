"""The numbers of the signals, which differ between C libraries: glibc's SIGRTMIN is 34, musl's 35."""

from __future__ import annotations

from supervisor.core.sequence import SIGNAL_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal

_REALTIME_ENDS = {"RTMIN": int(_signal.SIGRTMIN), "RTMAX": int(_signal.SIGRTMAX)}


def _number(name: str) -> int:
    end, distance = name[:5], name[5:]
    if end in _REALTIME_ENDS:
        return _REALTIME_ENDS[end] + int(distance or 0)
    return int(getattr(_signal, f"SIG{name}"))


# By the core's names, and SIGKILL, which only the supervisor itself sends.
NUMBERS = {name: _number(name) for name in (*SIGNAL_NAMES, "KILL")}

# RTMAX-14 is RTMIN+16 where there are 31 of them; RTMIN is what the other names are counted from where they meet.
NAMES = {number: name for name, number in sorted(NUMBERS.items(), reverse=True)}


def describe(number: int) -> str:
    """Return a signal's name without SIG, or its number for one that has none."""
    return NAMES.get(number, str(number))
