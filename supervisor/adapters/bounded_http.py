"""One HTTP exchange over a connection of its own that ends in time, whatever the other side does.

`requests` bounds every single read and not their sum, so a peer that sends a byte now and then could hold its
caller for ever; here the socket knows when the answer must be complete. Proxies, redirects, cookies and
compression are off: the peer is an agent on this machine's link. Importing this module imports `requests`,
which takes a second on a small task.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# The longest answer of the agent seen is below 1 KiB; more than this is not the agent speaking.
LONGEST_BODY_BYTES = 64 * 1024

# The agent closes a kept connection after 5 s without a request (its read timeout), so keeping one gains
# nothing and fails now and then. Compressed, 64 KiB could unpack to anything.
HEADERS = {"Connection": "close", "Accept-Encoding": "identity", "Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class NoReply:
    """There was no complete answer. sent: whether the other side may have seen the request."""

    sent: bool
    why: str


def exchange(
    method: str, url: str, body: bytes | None, *, connect_seconds: float, answer_seconds: float
) -> Reply | NoReply:
    """Send one request and read its answer, all within the sum of both limits.

    NB: the limit on connecting holds for each address; a host name costs in addition what the resolver takes.
    """
    call = _Call(answer_seconds)
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.adapters.clear()
            session.mount("http://", _PunctualAdapter(call))
            with session.request(
                method,
                url,
                data=body,
                headers=HEADERS,
                timeout=(connect_seconds, answer_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                content = b""
                # NB: a body shorter than announced is noticed only by reading on until nothing comes.
                while piece := response.raw.read(LONGEST_BODY_BYTES + 1 - len(content), decode_content=False):
                    content += piece
                    if len(content) > LONGEST_BODY_BYTES:
                        return NoReply(sent=True, why=f"the answer is longer than {LONGEST_BODY_BYTES} bytes")
                return Reply(response.status_code, response.headers.get("Content-Type", ""), content)
    except (requests.RequestException, HTTPError, OSError) as error:
        return NoReply(sent=call.connected, why=_reason(error))


class _Call:
    """What has become of one exchange so far, shared by the layers of the library that take part in it."""

    def __init__(self, answer_seconds: float) -> None:
        self.answer_seconds = answer_seconds
        self.connected = False


class _PunctualSocket(socket.socket):
    """A socket whose reads, all together, end by a deadline."""

    def __init__(self, plain: socket.socket, seconds: float) -> None:
        super().__init__(plain.family, plain.type, plain.proto, fileno=plain.detach())
        self._deadline = time.monotonic() + seconds
        self.settimeout(seconds)

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self.settimeout(left)
        return super().recv_into(buffer, nbytes, flags)


class _PunctualConnection(HTTPConnection):
    def __init__(self, *args: Any, call: _Call, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._call = call

    def connect(self) -> None:
        super().connect()
        self._call.connected = True
        self.sock = _PunctualSocket(self.sock, self._call.answer_seconds)


class _PunctualPool(HTTPConnectionPool):
    ConnectionCls = _PunctualConnection


class _PunctualAdapter(HTTPAdapter):
    def __init__(self, call: _Call) -> None:
        self._call = call
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        # What a pool does not know it hands on to its connections.
        self.poolmanager.pool_classes_by_scheme = {"http": partial(_PunctualPool, call=self._call)}


def _reason(error: BaseException) -> str:
    """Return what went wrong at the bottom: the library wraps it up to four times."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__
