"""The office of the container's arbiter: a lock that goes with its owner, and the socket that only the owner listens at.

Why the lock is of this kind, and who may open what, is in _election.py, rules 2 and 3.
"""

from __future__ import annotations

import _socket
import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import fcntl
else:
    try:
        import fcntl
    except ImportError:  # not Linux: there is no ECS either
        fcntl = None

# How many connections the kernel keeps until the arbiter has been loaded.
BACKLOG = 128


def take_office(lock: str) -> int:
    """Return the descriptor that holds the lock, -1 where another process has it."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, (BlockingIOError, PermissionError)):
            return -1
        raise
    return descriptor


def listen(where: str) -> int:
    """Listen there, in place of a dead arbiter's socket."""
    server = _socket.socket(
        _socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC
    )
    made = f"{where}.new"
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(made)
        server.bind(made)
        server.listen(BACKLOG)
        os.rename(made, where)
    except BaseException:
        server.close()
        raise
    return server.detach()
