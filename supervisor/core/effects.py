"""Every order the core can give, in the imperative.

An order is an intention: which signal, socket or request carries it out is the shell's business. `Note` is an order
too, the one meant for people, so that tests claim log lines like any other effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .names import Attempt, HoldId, SignalName, WorkerName


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start the worker's process."""

    worker: WorkerName


@dataclass(frozen=True, slots=True)
class Quiet:
    """Ask the worker to take no new work; signal None where only the hooks can be told (Announce)."""

    worker: WorkerName
    signal: SignalName | None


@dataclass(frozen=True, slots=True)
class Resume:
    """Ask the worker to take new work again; signal None where only the hooks can be told (Announce)."""

    worker: WorkerName
    signal: SignalName | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Ask the worker to exit."""

    worker: WorkerName
    signal: SignalName


@dataclass(frozen=True, slots=True)
class Forward:
    """Pass on a signal that was meant for the worker."""

    worker: WorkerName
    signal: SignalName


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL the worker and everything that descends from it. Given again while something survives."""

    worker: WorkerName


@dataclass(frozen=True, slots=True)
class Exit:
    """End the supervisor with this status; what is left of the tree is killed first. Always the last order."""

    status: int


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell every hook how things stand; given whenever one of these changes.

    seconds_left: until the work in flight will be interrupted; None where nothing is planned. signalled: the workers have been
    asked to exit, or are just being asked.
    """

    phase: str
    accepting: bool
    stopping: bool
    seconds_left: float | None
    protected: bool
    signalled: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """Answer a holder that asked: start. protected: whether that is confirmed."""

    hold: HoldId
    protected: bool


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer a holder that asked: do not start. The hold has ended."""

    hold: HoldId
    why: str


@dataclass(frozen=True, slots=True)
class Protect:
    """Ask for protection of the task for so many minutes from now."""

    attempt: Attempt
    minutes: int


@dataclass(frozen=True, slots=True)
class Unprotect:
    """Ask for the task's protection to be taken off."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class LookAtProtection:
    """Ask what the task's protection is."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Dump:
    """Write snapshot and journal where people look."""


class Level(Enum):
    """info: a phase changed. warning: a promise is at risk. error: a promise is broken."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


Field = str | int | float | bool | None | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """Tell people. The name is stable and part of the interface; the fields explain."""

    name: str
    level: Level = Level.INFO
    fields: tuple[tuple[str, Field], ...] = ()


def note(name: str, level: Level = Level.INFO, **fields: Field) -> Note:
    """Make a Note from keyword arguments, in the order given."""
    return Note(name, level, tuple(fields.items()))


Effect = (
    Spawn
    | Quiet
    | Resume
    | Stop
    | Forward
    | Kill
    | Exit
    | Announce
    | Grant
    | Refuse
    | Protect
    | Unprotect
    | LookAtProtection
    | Dump
    | Note
)
