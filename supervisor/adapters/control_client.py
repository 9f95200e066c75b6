"""Asks a running supervisor through its local API: over a unix socket or TCP, one bounded exchange for each question.

What goes wrong comes back as one of three failures, each a sentence for people: nobody answers, this caller may not, or the
supervisor says no. The exchange is the one that asks the agent, because `http.client` takes twice as long to load as the
whole question takes, and these commands are called in shell loops.
"""

from __future__ import annotations

import _socket
import json
import struct

from supervisor.core.frozen import Frozen

from .bounded_http import NoReply, connect, converse, request_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Both are this machine's own; what takes longer hangs.
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0

# The state of a task with as many holds as a supervisor takes, several times over.
_LONGEST_BODY_BYTES = 32 * 1024 * 1024

_FORBIDDEN = (401, 403)
_FAILED = 500


class Address(Frozen):
    """Where an API listens: the path of a unix socket, or a host and port with an empty path."""

    path: str
    host: str
    port: int

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class ControlError(Exception):
    """The text is a sentence for people."""


class UnansweredError(ControlError):
    """Nobody is there, or nobody answers in time, or not in our words."""


class GoneError(UnansweredError):
    """Nobody listens there."""


class ForbiddenError(ControlError):
    """This caller may not do that."""


class RefusedError(ControlError):
    """The supervisor has understood and says no. status: HTTP's."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class ControlClient:
    """token: what steering needs, empty where there is none."""

    def __init__(self, address: Address, token: str = "") -> None:
        self.address = address
        self._headers = (f"Authorization: Bearer {token}",) if token else ()

    def ask(
        self,
        method: str,
        path: str,
        document: dict[str, object] | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> dict[str, Any]:
        """Return the JSON object of the answer, an empty one where it has none. Raise ControlError."""
        body = None if document is None else json.dumps(document).encode()
        request = request_bytes(method, self._authority(), path, body, self._headers)
        try:
            connected = _connect(self.address)
        except PermissionError:
            raise ForbiddenError(
                f"the supervisor at {self.address} may not be asked by this user; run this as the supervisor's user or"
                " as root"
            ) from None
        except (ConnectionRefusedError, FileNotFoundError):
            raise GoneError(f"no supervisor listens at {self.address}") from None
        except OSError as error:
            told = f"the supervisor at {self.address} cannot be reached ({error.strerror or error})"
            raise UnansweredError(told) from None
        reply = converse(connected, request, answer_seconds, _LONGEST_BODY_BYTES)
        if isinstance(reply, NoReply):
            raise UnansweredError(f"the supervisor at {self.address} does not answer ({reply.why})")
        if reply.status >= 300:
            raise _failure(reply.status, _object(reply.body) or {}, self.address)
        if not reply.body:
            return {}
        if (answer := _object(reply.body)) is None:
            raise UnansweredError(f"what answers at {self.address} is no supervisor")
        return answer

    def _authority(self) -> str:
        return "localhost" if self.address.path else str(self.address)


def open_unix(path: str) -> _socket.socket:
    """Return a connection to a unix socket. Raise OSError."""
    connected = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        # Not Python's own time limit, with which a socket whose queue is full for a moment refuses at once (unix(7)).
        timeval = struct.pack("ll", int(CONNECT_SECONDS), 0)
        connected.setsockopt(_socket.SOL_SOCKET, _socket.SO_SNDTIMEO, timeval)
        connected.connect(path)
    except BaseException:
        connected.close()
        raise
    return connected


def _connect(address: Address) -> _socket.socket:
    if address.path:
        return open_unix(address.path)
    return connect(address.host, address.port, CONNECT_SECONDS)


def _failure(status: int, problem: dict[str, Any], address: Address) -> ControlError:
    words = [problem.get("detail") or problem.get("title"), problem.get("fix")]
    told = "; ".join(word.strip().rstrip(".") for word in words if isinstance(word, str) and word.strip())
    told = f"the supervisor at {address} says: {told or f'status {status}'}"
    if status in _FORBIDDEN:
        return ForbiddenError(told)
    if status >= _FAILED:
        return UnansweredError(told)
    return RefusedError(told, status)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None
