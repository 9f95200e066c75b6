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
    """Return all processes below this one, parents before their children.

    Return none where /proc shows another namespace than ours: its numbers would name processes of others.
    """
    ourselves = os.getpid()
    if _own_number_in_proc() != ourselves:
        return []
    children: dict[int, list[Seen]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(int(name))) is not None:
            parent = int(fields[_PARENT])
            seen = Seen(int(name), int(fields[_STARTED]), fields[_STATE] in (b"Z", b"X"), parent)
            children.setdefault(parent, []).append(seen)
    found = children.pop(ourselves, [])
    for process in found:
        found += children.pop(process.pid, ())
    return found


def is_still(process: Seen) -> bool:
    """Say whether the number still names the process that was seen."""
    fields = _stat(process.pid)
    return fields is not None and int(fields[_STARTED]) == process.started


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
