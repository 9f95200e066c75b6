"""Finds the processes of another container of this task, in the PID namespace that they share with us.

A number alone names nobody for long, because the kernel gives numbers out again: a process is known by its number and the
time at which it began, and once found it is held by a descriptor (pidfd), which stands for that process and no other one.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil

Match = Callable[[psutil.Process], bool]

_ERRORS = (psutil.Error, OSError)


class Neighbour:
    """One living process of another container. Raise ProcessLookupError where it has ended while it was taken hold of.

    descriptor: readable when it has ended; None on a kernel without pidfds (before 5.3).
    """

    __slots__ = ("_process", "descriptor", "pid")

    def __init__(self, process: psutil.Process) -> None:
        self.pid = process.pid
        self._process = process
        try:
            self.descriptor: int | None = os.pidfd_open(process.pid)
        except ProcessLookupError:
            raise
        except OSError:
            self.descriptor = None
        # It may have ended and its number been given out again before we had the descriptor.
        if not self.is_alive():
            self.close()
            raise ProcessLookupError(process.pid)

    def is_alive(self) -> bool:
        """Say whether this very process still runs."""
        try:
            return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        except _ERRORS:
            return False

    def send(self, number: int) -> bool:
        """Signal it; say whether it was there. Raise PermissionError where we may not: that takes its user, or CAP_KILL."""
        try:
            if self.descriptor is not None:
                signal.pidfd_send_signal(self.descriptor, number)
            else:
                self._process.send_signal(number)
        except (ProcessLookupError, psutil.NoSuchProcess):
            return False
        except psutil.AccessDenied:
            raise PermissionError(self.pid) from None
        return True

    def close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


def in_container(docker_id: str) -> Match:
    """Match the processes of a container, whose control groups are named after it."""

    def matches(process: psutil.Process) -> bool:
        with open(f"/proc/{process.pid}/cgroup", encoding="utf-8", errors="replace") as file:
            return docker_id in file.read()

    return matches


def by_command_line(pattern: re.Pattern[str]) -> Match:
    """Match processes whose command line, its words parted by blanks, has this in it."""

    def matches(process: psutil.Process) -> bool:
        return pattern.search(" ".join(process.cmdline())) is not None

    return matches


def find(matches: Match) -> Neighbour | None:
    """Take hold of the main process among those that match: the oldest that none of the others has started.

    Never ourselves or who started us: our own command line has the pattern in it.
    """
    found = {process.pid: process for process in _others() if _is(matches, process)}
    heads = [process for process in found.values() if _parent(process) not in found]
    for process in sorted(heads, key=_began):
        with suppress(ProcessLookupError):
            return Neighbour(process)
    return None


def _others() -> Iterator[psutil.Process]:
    ours = psutil.Process()
    family = {ours.pid, *(process.pid for process in ours.parents())}
    return (process for process in psutil.process_iter() if process.pid not in family)


def _is(matches: Match, process: psutil.Process) -> bool:
    try:
        return matches(process) and process.status() != psutil.STATUS_ZOMBIE
    except _ERRORS:
        # It has just ended, or may not be seen by us.
        return False


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except _ERRORS:
        return 0


def _began(process: psutil.Process) -> tuple[float, int]:
    try:
        return process.create_time(), process.pid
    except _ERRORS:
        return float("inf"), process.pid
