"""Starts the worker's process in a group of its own, with clean signals; light, because nothing has run before it.

posix_spawn does it in one call and runs no code of ours in the child, so it stays right when there are threads (a
`preexec_fn` would not). Empty mask and default dispositions matter, because a child inherits what is blocked or ignored:
here every signal during start-up, and SIGPIPE, which Python ignores. Descriptors need no care: Python opens all of its
own close-on-exec. A file that is no program and has no interpreter line is refused, as the kernel refuses it for a
container's entry point; only shells guess.
"""

from __future__ import annotations

import errno
import os

from supervisor.core.status import NOT_EXECUTABLE, NOT_FOUND

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Mapping
else:
    import _signal

# prctl(2), from linux/prctl.h, stable since Linux 3.4.
PR_SET_CHILD_SUBREAPER = 36


class Launcher:
    """Starts one command, as often as it is asked to.

    environment: what the worker shall see. Both are bytes, so that nothing is lost on the way.
    """

    __slots__ = ("_command", "_environment")

    def __init__(self, command: list[bytes], environment: Mapping[bytes, bytes]) -> None:
        self._command = command
        self._environment = environment

    def start(self) -> int:
        """Return the pid, which is the group's number too. Raise OSError where the command cannot be executed."""
        if not self._command[0]:
            # Python refuses what the kernel would only not find.
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return os.posix_spawnp(
            self._command[0],
            self._command,
            self._environment,
            setpgroup=0,
            setsigmask=(),
            setsigdef=_signal.valid_signals(),
        )

    def kill(self, pid: int) -> None:
        """SIGKILL a worker that was just started, with its group."""
        os.killpg(pid, _signal.SIGKILL)

    def explain(self, error: OSError) -> tuple[int, str]:
        """Return the status a shell would exit with, and the reason for people."""
        name = os.fsdecode(self._command[0])
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return NOT_FOUND, f"{name!r} was not found: no such file, or none of that name in PATH"
        if error.errno == errno.ENOEXEC:
            return NOT_EXECUTABLE, f"{name!r} is no program for this machine, or a script without a #! line"
        return NOT_EXECUTABLE, f"{name!r} cannot be executed: {os.strerror(error.errno or 0)}"


def become_subreaper() -> bool:
    """Make orphans below us our children instead of the init's, so that we can find and collect them.

    Done before the first start, or a daemon that forks twice at once would be lost to us. `ctypes` would take 7 ms for
    this one call; the module below it takes less than one. Return False where it cannot be done.
    """
    try:
        import _ctypes

        ourselves = _ctypes.dlopen(None, 0)  # type: ignore[arg-type] # None: what is loaded already (dlopen(3))
        prctl = _ctypes.dlsym(ourselves, "prctl")
        return bool(_ctypes.call_function(prctl, (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) == 0)
    except (ImportError, AttributeError, OSError):
        return False
