"""Finds every process below us in /proc, whatever session or group it has moved to.

One look at all processes rather than a walk from child to child: a tree that changes while it is walked hides whole
branches. It costs about 10 us a process and is needed only when something is to be killed.
"""

from __future__ import annotations

import os
from typing import NamedTuple

# Positions in /proc/<pid>/stat after the command's closing parenthesis (proc(5)).
_STATE = 0
_PARENT = 1
_STARTED = 19


class Seen(NamedTuple):
    """One process at one moment.

    started: clock ticks since boot; with the pid it names a process for good. zombie: it has ended, or at least its
    first thread has. parent: who would be told when it ends.
    """

    pid: int
    started: int
    zombie: bool
    parent: int = 0


def descendants() -> list[Seen]:
    """Return all processes below this one, parents before their children; none where `everybody` returns none."""
    children: dict[int, list[Seen]] = {}
    for pid in everybody():
        if (seen := see(pid)) is not None:
            children.setdefault(seen.parent, []).append(seen)
    found = children.pop(os.getpid(), [])
    for process in found:
        found += children.pop(process.pid, ())
    return found


def everybody() -> list[int]:
    """Return the numbers of all processes, ours too, lowest first.

    Return none where /proc shows another namespace than ours: its numbers would name processes of others. And none where it
    cannot be read, because no descriptor or no memory is left: what can be killed without a look still is.
    """
    if _own_number_in_proc() != os.getpid():
        return []
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def see(pid: int) -> Seen | None:
    """Look at one process; None where this number names none."""
    if (fields := _stat(pid)) is None:
        return None
    return Seen(pid, int(fields[_STARTED]), fields[_STATE] in (b"Z", b"X"), int(fields[_PARENT]))


def is_still(process: Seen) -> bool:
    """Say whether the number still names the process that was seen."""
    seen = see(process.pid)
    return seen is not None and seen.started == process.started


def _own_number_in_proc() -> int | None:
    try:
        return int(os.readlink("/proc/self"))
    except OSError:
        return None


def _stat(pid: int) -> list[bytes] | None:
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            # The command may contain blanks and parentheses, so count from the last one.
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return None
