"""Opens the hooks' socket; light, because it is open before the worker starts.

So its path in the worker's environment is true from the first moment, a hook that connects at once finds somebody
listening (the kernel lets it wait), and another supervisor that has the place is noticed while there is still a choice.
"""

from __future__ import annotations

import os
import stat
from errno import EADDRINUSE, ECONNREFUSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket as _socket
else:
    import _socket

# In this order: the first is made for it, the second is there in a container with a read-only root, the last always
# was.
_PLACES = ("/run", "/dev/shm", "/tmp")

# Another supervisor may have our number where a directory is shared between containers: both are PID 1.
_NAMES_TO_TRY = 8

# Whoever can connect can hold the task up.
OWNER_ONLY = 0o600

# How many connections the kernel keeps for us until the loop runs.
_BACKLOG = 128


class Listener:
    """The socket before it is served. path: where it is; empty where there is none. why: what went wrong with it."""

    __slots__ = ("descriptor", "path", "why")

    def __init__(self, descriptor: int, path: str, why: str = "") -> None:
        self.descriptor = descriptor
        self.path = path
        self.why = why


def listen(path: str, mode: int = OWNER_ONLY, group: int | None = None) -> Listener:
    """Listen there. Raise OSError where that is impossible, also because a living supervisor does already.

    mode: who may connect, which takes the right to write. group: the file's, where it is not to be our own.
    """
    server = _socket.socket(
        _socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC
    )
    # The file must never be there with more rights than it shall have, so they are not taken away afterwards.
    before = os.umask(0o177)
    is_there = False
    try:
        try:
            server.bind(path)
        except OSError as error:
            if error.errno != EADDRINUSE or not _is_stale(path):
                raise
            os.unlink(path)
            server.bind(path)
        is_there = True
        if group is not None:
            os.chown(path, -1, group)
        if mode != OWNER_ONLY:
            os.chmod(path, mode)
        server.listen(_BACKLOG)
    except BaseException:
        server.close()
        if is_there:
            os.unlink(path)
        raise
    finally:
        os.umask(before)
    return Listener(server.detach(), path)


def listen_somewhere(suffix: str = "sock", mode: int = OWNER_ONLY, group: int | None = None) -> Listener:
    """Listen in the first place where it is possible; without a descriptor where it is impossible in all.

    suffix: what tells our sockets apart.
    """
    why = ""
    for place in _PLACES:
        for attempt in range(_NAMES_TO_TRY):
            number = f"-{attempt}" if attempt else ""
            try:
                return listen(f"{place}/ecs-supervisor-{os.getpid()}{number}.{suffix}", mode, group)
            except OSError as error:
                why = f"{place}: {error.strerror}"
                if error.errno != EADDRINUSE:
                    break
    return Listener(-1, "", why)


def withdraw(listener: Listener) -> None:
    """Remove a socket that will not be served, or not any more."""
    if listener.path:
        remove(listener.path)


def remove(path: str) -> None:
    """Remove a socket's file, if it is still there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _is_stale(path: str) -> bool:
    """Say whether it is a socket that nobody listens at any more: its supervisor was killed."""
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        return False
    probe = _socket.socket(
        _socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC
    )
    try:
        return probe.connect_ex(path) == ECONNREFUSED
    finally:
        probe.close()
