"""Finds the process that speaks for the far end of a connection.

A claim must end with whoever made it, so it is not always the process that has the connection. Rules
  1. Of several that have the socket open the eldest counts: others have inherited it.
  2. A command-line client speaks for its parent: it is gone when its answer has come.
  3. So does a shell that was started with `-c` to call a client once, and a part of a shell that writes into a pipe: a command
     substitution, or one end of a pipeline. Both are told by what they run, never by how long they do.
  4. The supervisor itself and PID 1 speak for nobody: what has lost its parent is found below them.
Who cannot be seen is unknown: in another PID namespace, of another user, or behind a proxy.

A process is a number and the time at which it began, because the kernel gives numbers out again.
"""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from supervisor.adapters.http_api.listen import is_loopback
from supervisor.adapters.proctree import Seen, everybody, see

from .inodes import End, inode_of

# What people call from shells, and what they put before it.
_CLIENTS = "aws|curl|http|https|httpie|nc|ncat|netcat|socat|wget|xh|xhs"
_IS_CLIENT = re.compile(rf"(?:{_CLIENTS}|sudo|time|timeout|xargs)").fullmatch
_CALLS = re.compile(rf"(?<![\w.-])(?:{_CLIENTS})(?=\s)").findall

_IS_SHELL = re.compile(r"-?(?:ash|bash|busybox|dash|ksh|mksh|sh|zsh)").fullmatch
_IS_COMMAND_OPTION = re.compile(r"-[A-Za-z]*c").fullmatch

# The eldest of all processes; where that is not the supervisor it is an init, or what holds a task's namespace open.
_FIRST = 1

# Callers that were found before are looked at first; more than that are not remembered.
_REMEMBERED = 64

# Bounds one search, at 5 us each; a process that is found later than this is unknown.
_MOST_DESCRIPTORS = 10_000

# A chain of parents that is longer than this is none of ours.
_MOST_STEPS = 16


@dataclass(frozen=True, slots=True)
class Caller:
    """started: clock ticks since boot. about: for people."""

    pid: int
    started: int
    about: str


class HungUpError(Exception):
    """The caller has closed its end, so that nobody hears the answer."""


class Callers:
    """ourselves: the supervisor's pid."""

    def __init__(self, ourselves: int) -> None:
        self._ourselves = ourselves
        self._lock = threading.Lock()
        self._found: OrderedDict[int, None] = OrderedDict()

    def find(self, end: End, our_end: End) -> Caller | None:
        """Return who speaks at the far end of a connection; None where that cannot be known. Raise HungUpError."""
        inode = inode_of(end, our_end)
        if inode is None:
            if is_loopback(end[0]):
                raise HungUpError
            return None
        owner = self._owner(f"socket:[{inode}]")
        speaker = None if owner is None else self._speaker(owner)
        if speaker is None:
            return None
        self._remember(speaker.pid)
        return Caller(speaker.pid, speaker.started, f"{_name(speaker.pid) or 'process'} [{speaker.pid}]")

    def _owner(self, link: str) -> Seen | None:
        left = _MOST_DESCRIPTORS
        for pid in self._candidates():
            has_it, looked_at = _has_open(pid, link, left)
            left -= looked_at
            if has_it:
                return self._eldest(pid, link)
            if left <= 0:
                return None
        return None

    def _candidates(self) -> Iterator[int]:
        with self._lock:
            remembered = list(self._found)
        yield from reversed(remembered)
        # Then the newest ones: a client that was started for this call is among them.
        yield from (pid for pid in reversed(everybody()) if pid != self._ourselves and pid not in remembered)

    def _eldest(self, pid: int, link: str) -> Seen | None:
        seen = see(pid)
        for _ in range(_MOST_STEPS):
            if seen is None or seen.parent in (0, self._ourselves):
                break
            if not _has_open(seen.parent, link, _MOST_DESCRIPTORS)[0]:
                break
            seen = see(seen.parent) or seen
        return seen

    def _speaker(self, seen: Seen) -> Seen | None:
        for _ in range(_MOST_STEPS):
            name = _name(seen.pid)
            parent = None if seen.parent in (0, _FIRST, self._ourselves) else see(seen.parent)
            if _IS_CLIENT(name):
                if parent is None:
                    return None
            elif parent is None or not (_IS_SHELL(name) and _speaks_for_parent(seen, parent)):
                return seen
            seen = parent
        return None

    def _remember(self, pid: int) -> None:
        with self._lock:
            self._found[pid] = None
            self._found.move_to_end(pid)
            if len(self._found) > _REMEMBERED:
                self._found.popitem(last=False)


def _has_open(pid: int, link: str, most: int) -> tuple[bool, int]:
    """Say whether a process has a descriptor with this target, and how many were looked at."""
    folder = f"/proc/{pid}/fd"
    looked_at = 0
    try:
        for looked_at, name in enumerate(os.listdir(folder)[:most], start=1):
            if _target(f"{folder}/{name}") == link:
                return True, looked_at
    except OSError:
        # It has ended, or may not be looked at.
        pass
    return False, looked_at + 1


def _speaks_for_parent(shell: Seen, parent: Seen) -> bool:
    words = _words(shell.pid)
    option = next((number for number, word in enumerate(words[:-1]) if _IS_COMMAND_OPTION(word)), None)
    if option is not None and len(_CALLS(words[option + 1])) == 1:
        return True
    # A part of a shell is a copy of it that runs no other program.
    output = _target(f"/proc/{shell.pid}/fd/1")
    is_part = words == _words(parent.pid)
    return is_part and output.startswith("pipe:") and output != _target(f"/proc/{parent.pid}/fd/1")


def _target(link: str) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def _name(pid: int) -> str:
    """Return the program's name as the kernel keeps it: also that of a script which is run by its own first line."""
    return _read(f"/proc/{pid}/comm").strip()


def _words(pid: int) -> list[str]:
    return _read(f"/proc/{pid}/cmdline").removesuffix("\0").split("\0")


def _read(path: str) -> str:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read().decode(errors="replace")
    except OSError:
        return ""
