"""The stop sequence: what is sent to a worker on the way out, in which order, and how long each stage may take.

Written as `QUIET 20 TERM 7 KILL`: a signal's name or a keyword, then seconds. This module reads it, prints it, finds
what is wrong with it and cuts a shape of it to the time there is. It runs before the worker is spawned and so keeps to
built-in types; signals are names here, because their numbers differ between C libraries.
"""

from __future__ import annotations

from .frozen import Frozen
from .problem import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["quiet", "wait", "stop", "kill"]

# signal(7), by the names `kill -l` prints. SIGKILL is a keyword here, and nobody can finish a job under SIGSTOP.
SIGNAL_NAMES = frozenset(
    "HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT TSTP TTIN TTOU URG XCPU XFSZ "
    "VTALRM PROF WINCH IO PWR SYS RTMIN RTMAX".split()
) | frozenset([f"RTMIN+{n}" for n in range(1, 16)] + [f"RTMAX-{n}" for n in range(1, 15)])

# Signals that mean "take no new work" wherever they mean anything: Sidekiq's TSTP; Apache's and gunicorn's WINCH.
QUIET_SIGNALS = frozenset(("TSTP", "WINCH"))

# A process gets no time from SIGKILL; this is for the kernel to end it and for us to collect what it leaves.
KILL_SECONDS = 1.0

# Where a second is a large part of all the time there is, the kill stage takes a tenth instead.
_KILL_SHARE = 0.1

# Seconds kept back for our own exit: enough for a slow machine, at most a tenth of a short stop timeout.
_EXIT_MARGIN_SECONDS = 2.0
_EXIT_MARGIN_SHARE = 0.1

# Shorter than anybody notices, longer than the rounding errors of a sum of decimal seconds.
_ROUNDING_SECONDS = 1e-6

# So much smaller that all stages together, each rounded with it, stay within the other.
_ERROR_SECONDS = 1e-9

_SYNTAX = "write stages as `QUIET 20 TERM 7 KILL`: QUIET, WAIT or a signal's name, then seconds, and KILL at the end"
_NUMBERS = "give seconds above 0, as in `TERM 7` or `TERM 2.5`"

_KEYWORDS: dict[str, Kind] = {"QUIET": "quiet", "WAIT": "wait", "KILL": "kill", "SIGKILL": "kill"}


class Stage(Frozen):
    """One step on the way out. `signal` is None where nothing is sent, and for the kill stage."""

    kind: Kind
    signal: str | None
    seconds: float

    def __post_init__(self) -> None:
        fits = {
            "quiet": self.signal is None or self.signal in SIGNAL_NAMES,
            "wait": self.signal is None,
            "stop": self.signal in SIGNAL_NAMES - QUIET_SIGNALS,
            "kill": self.signal is None,
        }
        if not fits.get(self.kind, False):
            raise ValueError(f"there is no {self.kind} stage with the signal {self.signal}")
        if not 0 < self.seconds < float("inf"):
            raise ValueError(f"a stage cannot last {self.seconds} seconds")


def parse(text: str) -> tuple[tuple[Stage, ...], tuple[Problem, ...]]:
    """Read a stop sequence. The stages are those that could be read; they are good only without problems."""
    stages: list[Stage] = []
    wrong: list[Problem] = []
    words = text.split()
    while words:
        word = words.pop(0)
        named = _named(word)
        if named is None and _looks_like_a_number(word):
            wrong.append(
                Problem(f"{word} stands where a stage should begin", "seconds belong to a stage", _SYNTAX)
            )
            continue
        # What is no stage itself is meant as this stage's seconds, well written or not.
        number = words.pop(0) if words and _named(words[0]) is None else None
        seconds = KILL_SECONDS if number is None else _seconds(number)
        if named is None:
            wrong.append(Problem(f"{word} is no stage", "nobody would know what to send", _SYNTAX))
        elif number is None and named[0] != "kill":
            wrong.append(Problem(f"{word} has no seconds", "the stages after it would never come", _SYNTAX))
        elif seconds is None:
            wrong.append(
                Problem(f"{word} {number} is no length of time", "every stage has a definite end", _NUMBERS)
            )
        else:
            stages.append(Stage(*named, seconds))
    return tuple(stages), tuple(wrong)


def problems(stages: tuple[Stage, ...], stop_timeout: float, exit_margin: float) -> tuple[Problem, ...]:
    """Return all that is wrong with these stages as a whole, for a container with that stop timeout (seconds)."""
    if not stages:
        return (Problem("the stop sequence is empty", "the worker could not be stopped", _SYNTAX),)
    wrong: list[Problem] = []
    kills = [stage.kind for stage in stages].count("kill")
    if kills == 0:
        wrong.append(
            Problem(
                "the stop sequence does not end with KILL",
                "a worker that ignores its signals would be there until ECS kills everything, us included",
                f"append KILL: `{format_stages(stages)} KILL`",
            )
        )
    elif kills > 1:
        wrong.append(
            Problem(
                f"the stop sequence has {kills} KILL stages",
                "after the first nothing is left that the others could end",
                "keep the last one",
            )
        )
    if kills > 0 and stages[-1].kind != "kill":
        last = format_stages(stages[-1:])
        wrong.append(
            Problem(
                f"KILL comes before `{last}`",
                "after KILL there is nobody left to send anything to",
                "move KILL to the end",
            )
        )
    total, available = sum(stage.seconds for stage in stages), stop_timeout - exit_margin
    if total > available + _ROUNDING_SECONDS:
        parts = " + ".join(_rounded(stage.seconds) for stage in stages)
        wrong.append(
            Problem(
                f"the stop sequence takes {parts} = {_rounded(total)} s, but there are {_rounded(stop_timeout)} s"
                f" stop timeout - {_rounded(exit_margin)} s exit margin = {_rounded(available)} s",
                "ECS would send SIGKILL before the sequence is through",
                "shorten a stage, or raise the stop timeout here and in the task definition",
            )
        )
    return tuple(wrong)


def offsets(stages: tuple[Stage, ...]) -> tuple[float, ...]:
    """Return when each stage ends, in seconds after the stop request."""
    ends: list[float] = []
    for stage in stages:
        ends.append(stage.seconds + (ends[-1] if ends else 0.0))
    return tuple(ends)


def format_stages(stages: tuple[Stage, ...]) -> str:
    """Print stages so that parse reads the same ones."""
    return " ".join(_format(stage) for stage in stages)


def default_exit_margin(stop_timeout: float) -> float:
    """Return how many seconds to keep back when the user did not say."""
    return min(_EXIT_MARGIN_SECONDS, stop_timeout * _EXIT_MARGIN_SHARE)


def default_stages(shape: tuple[Stage, ...], stop_timeout: float, exit_margin: float) -> tuple[Stage, ...]:
    """Cut a shape to the time there is: its seconds are weights, except for the kill stage, which it must end with."""
    available = stop_timeout - exit_margin
    kill = _whole_milliseconds(min(KILL_SECONDS, available * _KILL_SHARE))
    scale = (available - kill) / sum(stage.seconds for stage in shape[:-1])
    cut = (
        Stage(stage.kind, stage.signal, _whole_milliseconds(stage.seconds * scale)) for stage in shape[:-1]
    )
    return (*cut, Stage("kill", None, kill))


def bare_name(word: str) -> str:
    """Return a signal's name as it is used here: upper case, without SIG. Whether it exists is another question."""
    return word.upper().removeprefix("SIG")


def _named(word: str) -> tuple[Kind, str | None] | None:
    if word.upper() in _KEYWORDS:
        return _KEYWORDS[word.upper()], None
    quiet, colon, name = word.upper().rpartition(":")
    name = bare_name(name)
    if name not in SIGNAL_NAMES or (colon and quiet != "QUIET"):
        return None
    return ("quiet" if colon or name in QUIET_SIGNALS else "stop"), name


def _seconds(number: str) -> float | None:
    try:
        seconds = float(number)
    except ValueError:
        return None
    return seconds if 0 < seconds < float("inf") else None


def _whole_milliseconds(seconds: float) -> float:
    """Round down: easy to read, and never more than there is."""
    return int((seconds + _ERROR_SECONDS) * 1000) / 1000


def _looks_like_a_number(word: str) -> bool:
    return word[0] in "+-.0123456789" or word.lower() in ("nan", "inf", "infinity")


def _format(stage: Stage) -> str:
    word = stage.signal or stage.kind.upper()
    if stage.kind == "quiet" and stage.signal is not None and stage.signal not in QUIET_SIGNALS:
        word = f"quiet:{stage.signal}"
    return f"{word} {_number(stage.seconds)}"


def _number(seconds: float) -> str:
    return str(int(seconds)) if seconds == int(seconds) else repr(seconds)


def _rounded(seconds: float) -> str:
    return _number(round(seconds, 3))
