"""Where a container's processes run: in a PID namespace of its own, in one that a task's containers share, or in ours.

A shared one (`pidMode: task`) belongs to a pause process, as on ECS to a container that is not in the task definition: it is
PID 1 there and collects orphans, no program of a container is, and each sees and may signal the processes of all.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# These run for a moment in the main process's place, before the program itself does.
LAUNCHERS = ("unshare", "nsenter", "setsid")

_OWN = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "--")
_SESSION = ("setsid", "--")

# Children that are not waited for are collected by the kernel; as PID 1 it hears no signal that it does not handle.
_PAUSE = "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN); print(flush=True)\nwhile True: signal.pause()"

_END_LIMIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    """launcher: the words before the command. ends_with_main: the kernel ends all processes with the main one."""

    launcher: tuple[str, ...] = ()
    ends_with_main: bool = False


HERE = Place()
OWN_NAMESPACE = Place((*_OWN, *_SESSION), ends_with_main=True)


class Pause:
    """A PID namespace with one process in it, which others may be started in; as long as it is not closed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [*_OWN, sys.executable, "-I", "-S", "-c", _PAUSE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        target = ("--target", children.strip(), "--pid", "--mount")
        # The mounts as well, because /proc shows the namespace that it was mounted in.
        self.place = Place(("nsenter", *target, "--", *_SESSION))

    def close(self) -> None:
        """End the namespace, and with it whatever still runs there."""
        assert self._process.stdout is not None
        self._process.stdout.close()
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(_END_LIMIT_SECONDS)


def namespaces_are_possible() -> bool:
    """Whether this process may make PID namespaces; tried, since capabilities do not tell."""
    if any(shutil.which(name) is None for name in LAUNCHERS):
        return False
    attempt = subprocess.run([*OWN_NAMESPACE.launcher, "true"], capture_output=True, check=False)
    return attempt.returncode == 0
