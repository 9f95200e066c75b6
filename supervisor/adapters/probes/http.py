"""Sees work in what the worker says of itself over HTTP: a status, or a field of a JSON answer.

The standard library's client rather than `requests`, which would take 15 MiB for this one call and bounds every single read
but not their sum: a worker that is in trouble may send a byte now and then.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import TYPE_CHECKING

from supervisor.core.probing import Busy, Idle, Sample, Unknown

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# The peer is on this machine's link. One that cannot say in this time whether it is busy is not asked to.
CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 2.0

# A worker that says more than this about itself is not the right page.
LONGEST_BODY_BYTES = 256 * 1024

_BUSY_STATUS = 200
_IDLE_STATUS = 204

_SCHEME = "http://"


class Http:
    """url: what follows a `#` in it is the place of a field in the JSON answer, with dots between the names."""

    def __init__(self, url: str) -> None:
        self._url, _, self._field = url.partition("#")
        authority, slash, path = self._url.removeprefix(_SCHEME).partition("/")
        self._authority, self._path = authority, slash + path or "/"

    def look(self) -> Sample:
        try:
            status, body = self._ask()
        except (OSError, http.client.HTTPException) as error:
            return Unknown(f"{self._url}: {str(error) or type(error).__name__}")
        return self._field_says(status, body) if self._field else self._status_says(status)

    def _ask(self) -> tuple[int, bytes]:
        # The number that the user wrote is read by the library, which raises InvalidURL for what is none.
        connection = http.client.HTTPConnection(self._authority, timeout=CONNECT_SECONDS)
        try:
            connection.connect()
            connection.sock = _PunctualSocket(connection.sock, ANSWER_SECONDS)
            connection.request(
                "GET", self._path, headers={"Connection": "close", "Accept": "application/json"}
            )
            response = connection.getresponse()
            return response.status, response.read(LONGEST_BODY_BYTES)
        finally:
            connection.close()

    def _status_says(self, status: int) -> Sample:
        if status == _BUSY_STATUS:
            return Busy(self._url)
        if status == _IDLE_STATUS:
            return Idle()
        return Unknown(f"{self._url} answers {status}")

    def _field_says(self, status: int, body: bytes) -> Sample:
        if status != _BUSY_STATUS:
            return Unknown(f"{self._url} answers {status}")
        try:
            value = json.loads(body)
            for name in self._field.split("."):
                value = value[int(name)] if isinstance(value, list) else value[name]
        except (ValueError, KeyError, IndexError, TypeError):
            return Unknown(f"the answer of {self._url} has no {self._field}")
        return Busy(f"{self._field} is {json.dumps(value)[:40]}") if value else Idle()


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
