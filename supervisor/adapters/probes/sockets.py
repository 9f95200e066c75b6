"""Sees work in established TCP connections: requests that are served, or connections that are open only during a job.

Read from the kernel's tables rather than by psutil: it would look at every descriptor of every process each time, and it
does not show a connection that the kernel has accepted for the worker and the worker has not taken yet, which is a request
that would be reset.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from supervisor.adapters.proctree import Seen
from supervisor.core.probing import Busy, Idle, Sample, Unknown

from .family import NOBODY, living

# The state and the columns in /proc/net/tcp (proc(5)).
_ESTABLISHED = "01"
_LOCAL, _REMOTE, _STATE, _INODE = 1, 2, 3, 9

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


class _Connection(NamedTuple):
    inode: str
    is_local: bool


class Sockets:
    def __init__(self, port: int, helpers: set[int]) -> None:
        self._port = f":{port:04X}"
        self._number = port
        self._helpers = helpers

    def look(self) -> Sample:
        try:
            found = self._connections()
        except OSError as error:
            return Unknown(f"the kernel's table of connections cannot be read: {error.strerror or error}")
        waiting = sum(connection.inode == "0" and connection.is_local for connection in found)
        inodes = {f"socket:[{connection.inode}]" for connection in found if connection.inode != "0"}
        processes = living(self._helpers) if inodes else []
        ours, hidden = _owned(inodes, processes)
        if ours or waiting:
            return Busy(f"{ours + waiting} connection(s) with port {self._number}")
        if hidden:
            return Unknown("the descriptors of a process of the worker's may not be seen from here")
        return NOBODY if inodes and not processes else Idle()

    def _connections(self) -> list[_Connection]:
        found: list[_Connection] = []
        for table in _TABLES:
            try:
                with open(table, encoding="ascii") as lines:
                    rows = [line.split() for line in lines]
            except FileNotFoundError:
                # A machine without one of the two protocols.
                continue
            for row in rows[1:]:
                if row[_STATE] == _ESTABLISHED:
                    is_local = row[_LOCAL].endswith(self._port)
                    if is_local or row[_REMOTE].endswith(self._port):
                        found.append(_Connection(row[_INODE], is_local))
        return found


def _owned(inodes: set[str], processes: list[Seen]) -> tuple[int, bool]:
    """Return how many of these sockets the processes have, and whether some process could not be looked at."""
    held, hidden = set[str](), False
    for seen in processes:
        folder = f"/proc/{seen.pid}/fd"
        try:
            descriptors = os.listdir(folder)
        except PermissionError:
            hidden = True
            continue
        except OSError:
            continue
        for descriptor in descriptors:
            try:
                held.add(os.readlink(f"{folder}/{descriptor}"))
            except OSError:
                continue
    return len(inodes & held), hidden
