"""Delivers one request and reports how it ended: answered, or why not, and whether the application may have begun.

Written on sockets and not with `requests`: that library adds headers of its own, takes header texts for latin-1, follows
what it is told by proxies' environment variables, costs 8 MiB, and cannot tell a connection that was refused from one that
was lost after the job had begun. A delivery goes in steps, between which it waits for its socket: so one thread carries as
many as there are, and none of them takes the interpreter from another for every packet.
"""

from __future__ import annotations

import errno
import os
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

from supervisor.core.delivery.facts import Failure

from .answer import Steps, read_answer
from .request import Request

T = TypeVar("T")

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


@dataclass(frozen=True, slots=True)
class Wait:
    """What a delivery waits for. events: POLLIN or POLLOUT. until: by the monotonic clock; then it is thrown a TimeoutError."""

    socket: socket.socket
    events: int
    until: float


Delivery = Steps[Wait, Answered | Unanswered]


def post(request: Request, host: str, port: int, patience: Patience) -> Answered | Unanswered:
    """Deliver a request, and wait for it. Never raises."""
    return carry_through(delivery(request, host, port, patience))


def carry_through(steps: Steps[Wait, T]) -> T:
    """Wait for everything that it waits for; return what it does. One that has begun nowhere else."""
    try:
        wait = next(steps)
        while True:
            poll = select.poll()
            poll.register(wait.socket, wait.events)
            if poll.poll(max(0.0, wait.until - monotonic()) * 1000):
                wait = next(steps)
            else:
                wait = steps.throw(TimeoutError("timed out"))
    except StopIteration as end:
        result: T = end.value
        return result


def delivery(request: Request, host: str, port: int, patience: Patience) -> Delivery:
    """Deliver a request, over a connection of its own, in steps. Never raises; redirects are answers like any other.

    An answer counts when all of it has come, its status alone is not enough: an application may still be at work while it
    writes. Only the address of a host that is a name may take its time without waiting in a step.
    """
    began = monotonic()

    def failed(kind: Failure, error: Exception) -> Unanswered:
        return Unanswered(kind, str(error) or type(error).__name__, monotonic() - began)

    try:
        connected = yield from connect(host, port, patience.connect)
    except TimeoutError as error:
        return failed(Failure.CONNECT_TIMEOUT, error)
    except (OSError, UnicodeError) as error:
        return failed(Failure.REFUSED, error)
    with connected:
        try:
            status, retry_after = yield from _exchange(connected, request, began, patience)
            return Answered(status, retry_after, monotonic() - began)
        except TimeoutError as error:
            return failed(Failure.INACTIVE, error)
        except (OSError, ValueError) as error:
            return failed(Failure.CUT, error)


def connect(host: str, port: int, seconds: float) -> Steps[Wait, socket.socket]:
    """Return a connection to the application, over the first of its addresses that takes one. Raise OSError."""
    tried: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        connected = socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol)
        try:
            if (error := connected.connect_ex(address)) == errno.EINPROGRESS:
                yield Wait(connected, select.POLLOUT, monotonic() + seconds)
                error = connected.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not error and connected.getsockname() == connected.getpeername():
                # Where nobody listens, the kernel may choose that very port for our end, and so connect us with ourselves.
                error = errno.ECONNREFUSED
            if not error:
                return connected
            raise OSError(error, os.strerror(error))
        except OSError as error:
            tried = error
            connected.close()
        except BaseException:
            connected.close()
            raise
    raise tried or OSError(f"{host} has no address")


def is_number(host: str) -> bool:
    """Say whether a host is an address itself, so that nobody has to be asked for it."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            socket.inet_pton(family, host)
            return True
    return False


def _exchange(
    connected: socket.socket, request: Request, began: float, patience: Patience
) -> Steps[Wait, tuple[int, float | None]]:
    def patience_until() -> float:
        now, end = monotonic(), began + patience.total
        if now >= end:
            raise TimeoutError("timed out")
        return min(end, now + patience.inactivity)

    # Head and body in separate packets would be one round trip more: the second waits for the acknowledgement of the first.
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    unsent: OSError | None = None
    try:
        yield from _send(connected, request.head() + request.body, patience_until)
    except TimeoutError:
        raise
    except OSError as error:
        # An application may answer without reading all of it (413), and hang up.
        unsent = error

    def receive() -> Steps[Wait, bytes]:
        while True:
            yield Wait(connected, select.POLLIN, patience_until())
            with suppress(BlockingIOError):
                return connected.recv(_READ_BYTES)

    try:
        status, retry_after = yield from read_answer(receive)
    except (OSError, ValueError):
        if unsent is not None:
            raise unsent from None
        raise
    return status, _seconds(retry_after)


def _send(connected: socket.socket, content: bytes, patience_until: Callable[[], float]) -> Steps[Wait, None]:
    rest = memoryview(content)
    while rest:
        try:
            rest = rest[connected.send(rest, socket.MSG_NOSIGNAL) :]
        except BlockingIOError:
            yield Wait(connected, select.POLLOUT, patience_until())


def _seconds(text: str | None) -> float | None:
    text = (text or "").strip()
    if not (text.isascii() and text.isdecimal()):
        return None
    return min(float(text), _LONGEST_RETRY_AFTER_SECONDS)
