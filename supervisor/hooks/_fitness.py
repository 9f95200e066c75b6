"""Whether this process may become the container's arbiter at all: rules 7 and 8 of _election.py."""

from __future__ import annotations

import _socket
import _thread
import os
import select
import struct
from collections.abc import Iterator

from . import _whereabouts

# The one way from the hooks to the rest of the distribution.
ARBITER_MODULE = "supervisor.arbiter"

BUILT_IN = "builtin_function_or_method"

# struct ucred: pid, uid, gid (unix(7)).
CREDENTIALS = struct.Struct("3i")


def unfit() -> str:
    """Say why this process cannot be arbiter; empty where it can."""
    # A patching event loop puts functions of its own in place of the interpreter's.
    if any(type(each).__name__ != BUILT_IN for each in (_thread.start_new_thread, select.select)):
        return "threads are patched here (gevent, eventlet), and the arbiter would wait in their event loop"
    import importlib.util

    if importlib.util.find_spec(ARBITER_MODULE) is None:
        return "only the hooks are installed here, and the arbiter needs the distribution ecs-supervisor"
    if supervisor_is_here():
        return "a supervisor runs in this container and this process was not told of it"
    return ""


def supervisor_is_here() -> bool:
    """Say whether a supervisor of this container listens in one of its usual places."""
    return any(_is_supervisor(found) for found in _sockets())


def _sockets() -> Iterator[str]:
    for place in _whereabouts.PLACES:
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if entry.name.startswith("ecs-supervisor-") and entry.name.endswith(".sock"):
                        yield entry.path
        except OSError:
            continue


def _is_supervisor(found: str) -> bool:
    probe = _socket.socket(
        _socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC
    )
    try:
        probe.connect(found)
        credentials = probe.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, CREDENTIALS.size)
        pid = CREDENTIALS.unpack(credentials)[0]
        # A number of 0 is a process of another container, which shares this folder.
        return pid > 0 and _has_our_agent(pid)
    except PermissionError:
        # Another user's. Whose it is stands in its name; what that runs, all may read.
        return runs_supervisor(os.path.basename(found).split("-")[2].partition(".")[0])
    except OSError:
        return False
    finally:
        probe.close()


def _has_our_agent(pid: int) -> bool:
    """Say whether a process is of our task; on a machine without containers it may be of another."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environ = file.read().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False  # it has just ended, before the read or during it
    except OSError:
        return True
    return (
        os.fsencode(f"{_whereabouts.AGENT_VARIABLE}={os.environ.get(_whereabouts.AGENT_VARIABLE, '')}")
        in environ
    )


def runs_supervisor(pid: str) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return b"supervisor" in file.read()
    except OSError:
        return False
