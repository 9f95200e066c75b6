"""Delivers one request and reports how it ended: answered, or why not, and whether the application may have begun.

Written on sockets and not with `requests`: that library adds headers of its own, takes header texts for latin-1, follows
what it is told by proxies' environment variables, costs 8 MiB, and cannot tell a connection that was refused from one that
was lost after the job had begun.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from supervisor.core.delivery.facts import Failure

from .answer import read_answer
from .request import Request

_READ_BYTES = 64 * 1024

# The longest visibility timeout: a longer wait than that can be asked for by nobody.
_LONGEST_RETRY_AFTER_SECONDS = 43_200.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: to connect; between two signs of life of the application; altogether.

    The last one is for an application that answers a little at a time, for ever.
    """

    connect: float
    inactivity: float
    total: float


@dataclass(frozen=True, slots=True)
class Answered:
    """A complete answer. retry_after: seconds, where its header gives a whole number of them. took: seconds."""

    status: int
    retry_after: float | None
    took: float


@dataclass(frozen=True, slots=True)
class Unanswered:
    kind: Failure
    detail: str
    took: float


def post(request: Request, host: str, port: int, patience: Patience) -> Answered | Unanswered:
    """Deliver a request, over a connection of its own. Never raises; redirects are answers like any other.

    An answer counts when all of it has come, its status alone is not enough: an application may still be at work while it
    writes.
    """
    began = monotonic()

    def failed(kind: Failure, error: Exception) -> Unanswered:
        return Unanswered(kind, str(error) or type(error).__name__, monotonic() - began)

    try:
        connected = connect(host, port, patience.connect)
    except TimeoutError as error:
        return failed(Failure.CONNECT_TIMEOUT, error)
    except (OSError, UnicodeError) as error:
        return failed(Failure.REFUSED, error)
    with connected:
        try:
            status, retry_after = _exchange(connected, request, began, patience)
            return Answered(status, retry_after, monotonic() - began)
        except TimeoutError as error:
            return failed(Failure.INACTIVE, error)
        except (OSError, ValueError) as error:
            return failed(Failure.CUT, error)


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """Return a connection to the application. Raise OSError."""
    connected = socket.create_connection((host, port), seconds)
    if connected.getsockname() == connected.getpeername():
        # Where nobody listens, the kernel may choose that very port for our end, and so connect us with ourselves.
        connected.close()
        raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
    return connected


def _exchange(
    connected: socket.socket, request: Request, began: float, patience: Patience
) -> tuple[int, float | None]:
    def patience_left() -> float:
        left = began + patience.total - monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return min(left, patience.inactivity)

    # Head and body in separate packets would be one round trip more: the second waits for the acknowledgement of the first.
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    unsent: OSError | None = None
    try:
        _send(connected, request.head() + request.body, patience_left)
    except TimeoutError:
        raise
    except OSError as error:
        # An application may answer without reading all of it (413), and hang up.
        unsent = error

    def receive() -> bytes:
        connected.settimeout(patience_left())
        return connected.recv(_READ_BYTES)

    try:
        status, retry_after = read_answer(receive)
    except (OSError, ValueError):
        if unsent is not None:
            raise unsent from None
        raise
    return status, _seconds(retry_after)


def _send(connected: socket.socket, content: bytes, patience_left: Callable[[], float]) -> None:
    """Send everything; `sendall` would count one time limit for all of it."""
    rest = memoryview(content)
    while rest:
        connected.settimeout(patience_left())
        rest = rest[connected.send(rest, socket.MSG_NOSIGNAL) :]


def _seconds(text: str | None) -> float | None:
    text = (text or "").strip()
    if not (text.isascii() and text.isdecimal()):
        return None
    return min(float(text), _LONGEST_RETRY_AFTER_SECONDS)
