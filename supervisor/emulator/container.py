"""A real process in the role of a container: a main process, which is signalled, and all it started.

As root each container is a PID namespace: its main process is PID 1, with all that follows from it, and its
end is the end of all. Elsewhere, and where the containers of a task share a namespace (namespaces.py), the
descendants are found by the environment they inherit, which survives a double fork and a new session.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from supervisor.emulator.namespaces import LAUNCHERS, Place

_PROC = Path("/proc")

# A process can fork while it is being looked for; a few rounds catch its children.
_MOST_KILL_ROUNDS = 100

# What has not gone this long after SIGKILL hangs in the kernel; that is not ours to wait for.
_KILL_LIMIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Command:
    """What a container runs. The environment is added to that of this process."""

    argv: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None


class ContainerProcess:
    """Started on creation. Raises OSError when the program cannot be started.

    `mark` is a variable of the environment, name and value, that no other container has.
    """

    def __init__(self, command: Command, mark: tuple[str, str], output: IO[bytes], place: Place) -> None:
        self._mark = f"{mark[0]}={mark[1]}".encode()
        self._place = place
        self._process = subprocess.Popen(
            [*place.launcher, *command.argv],
            env={**os.environ, **command.environ, mark[0]: mark[1]},
            cwd=command.directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.pid = self._process.pid

    def exit_code(self) -> int | None:
        """As ECS reports it: 128 and the number for a signal. None while the main process runs."""
        status = self._process.poll()
        if status is None:
            return None
        return 128 - status if status < 0 else status

    def send(self, number: signal.Signals) -> bool:
        """Signal the main process only, as a container runtime does; False while it is not there yet."""
        main_pid = self._main_pid()
        if main_pid is None:
            return False
        _signal(main_pid, number)
        return True

    def kill(self) -> None:
        """SIGKILL everything in the container, and wait until it is gone."""
        if not self._place.ends_with_main:
            self.kill_remaining()
            self._process.wait(_KILL_LIMIT_SECONDS)
            return
        # NB: it is unshare that is killed, and the kernel kills its child, the first process of the
        # namespace. The other way round unshare would report 1: it cannot die of SIGKILL by raising it.
        ends = [end for pid in _children(self.pid) if (end := _end_of(pid)) is not None]
        self._process.kill()
        self._process.wait(_KILL_LIMIT_SECONDS)
        for end in ends:
            _wait_for(end)
            os.close(end)

    def kill_remaining(self) -> None:
        """End what the main process left behind; in a namespace the kernel has done so."""
        if self._place.ends_with_main:
            return
        for _ in range(_MOST_KILL_ROUNDS):
            members = list(_with_environment(self._mark))
            if self._process.poll() is None and self.pid not in members:
                members.append(self.pid)
            if not members:
                return
            for pid in members:
                _signal(pid, signal.SIGKILL)
            self._process.poll()

    def _main_pid(self) -> int | None:
        if self._process.poll() is not None:
            return None
        if not self._place.launcher:
            return self.pid
        return _beyond_launchers(self.pid)


def _beyond_launchers(pid: int) -> int | None:
    """The program's own process, None while the launchers are still at work."""
    for child in _children(pid):
        if _text(_PROC / str(child) / "comm").strip() not in LAUNCHERS:
            return child
    return None


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _end_of(pid: int) -> int | None:
    """A descriptor that is readable when the process has ended; with a first one ends its namespace."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def _wait_for(end: int) -> None:
    poll = select.poll()
    poll.register(end, select.POLLIN)
    poll.poll(_KILL_LIMIT_SECONDS * 1000)


def _children(parent: int) -> Iterator[int]:
    for pid in _pids():
        # After the name, which may hold blanks and brackets, come the state and the parent: proc(5).
        fields = _text(_PROC / str(pid) / "stat").rpartition(")")[2].split()
        if len(fields) > 1 and int(fields[1]) == parent:
            yield pid


def _with_environment(mark: bytes) -> Iterator[int]:
    """Processes that inherited the mark. A zombie has no environment any more, so it is not among them."""
    for pid in _pids():
        try:
            environ = (_PROC / str(pid) / "environ").read_bytes()
        except OSError:
            continue
        if mark in environ.split(b"\0"):
            yield pid


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal())


def _text(path: Path) -> str:
    """What the file says, or nothing when its process has gone."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
