"""Reads an application's answer to its end, and keeps of it the status and when to come again.

The standard library's reader makes a mail message of the headers first, which takes longer than all else about an answer.
This one is as lenient, and has the same limits; that of bounded_http.py, for the agent and SQS, is strict and keeps the body.
An answer counts when all of it has come. It reads in steps, so that one thread can read many answers.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Generic, TypeVar

W = TypeVar("W")
T = TypeVar("T")

# What is to be waited for comes out, and the result in the end.
Steps = Generator[W, None, T]

_LONGEST_LINE_BYTES = 64 * 1024
_MOST_HEADERS = 100

_INFORMATIONAL = range(100, 200)
_STATUSES = range(100, 1000)

# Their answers end with the headers, whatever those say (RFC 9112, 6.3).
_WITHOUT_BODY = (204, 304)


def read_answer(receive: Callable[[], Steps[W, bytes]]) -> Steps[W, tuple[int, str | None]]:
    """Return the status, and the text of Retry-After. receive: gives what comes, nothing at the end.

    Raise OSError for an answer that ends too soon, ValueError for one that is none.
    """
    reader = _Reader(receive)
    status, headers = yield from _read_head(reader)
    # Announcements such as `100 Continue` come before the answer.
    while status in _INFORMATIONAL:
        status, headers = yield from _read_head(reader)
    if status not in _WITHOUT_BODY:
        yield from _pass_over_body(reader, headers)
    return status, headers.get("retry-after")


def _read_head(reader: _Reader[W]) -> Steps[W, tuple[int, dict[str, str]]]:
    line = (yield from reader.line()).decode("latin-1")
    version, status, *_ = (*line.split(None, 2), "", "")
    if not version.startswith("HTTP/1.") or not (status.isascii() and status.isdecimal()):
        raise ValueError(f"the answer is not HTTP: {line[:40]!r}")
    if int(status) not in _STATUSES:
        raise ValueError(f"the answer has a status that is none: {status[:40]}")
    headers: dict[str, str] = {}
    for _ in range(_MOST_HEADERS + 1):
        if not (line := (yield from reader.line()).decode("latin-1")):
            return int(status), headers
        name, _, value = line.partition(":")
        headers.setdefault(name.lower(), value.strip())
    raise ValueError(f"the answer has more than {_MOST_HEADERS} headers")


def _pass_over_body(reader: _Reader[W], headers: dict[str, str]) -> Steps[W, None]:
    length = headers.get("content-length", "")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        yield from _pass_over_chunks(reader)
    elif length.isascii() and length.isdecimal():
        yield from reader.pass_over(int(length))
    else:
        yield from reader.pass_over_rest()


def _pass_over_chunks(reader: _Reader[W]) -> Steps[W, None]:
    while size := _chunk_size((yield from reader.line())):
        yield from reader.pass_over(size)
        yield from reader.line()
    # Headers may follow the body; some send neither them nor the line that ends them.
    with suppress(ConnectionError):
        while (yield from reader.line()):
            continue


def _chunk_size(line: bytes) -> int:
    size = int(line.partition(b";")[0], 16)
    if size < 0:
        raise ValueError(f"a part of the answer has no length: {line[:40]!r}")
    return size


class _Reader(Generic[W]):
    def __init__(self, receive: Callable[[], Steps[W, bytes]]) -> None:
        self._receive = receive
        self._read = b""

    def line(self) -> Steps[W, bytes]:
        """Return the next line without its end."""
        while (end := self._read.find(b"\n")) < 0 and len(self._read) <= _LONGEST_LINE_BYTES:
            self._read += yield from self._more()
        if not 0 <= end <= _LONGEST_LINE_BYTES:
            raise ValueError(f"the answer has a line of more than {_LONGEST_LINE_BYTES} bytes")
        line, self._read = self._read[:end], self._read[end + 1 :]
        return line.removesuffix(b"\r")

    def pass_over(self, count: int) -> Steps[W, None]:
        while len(self._read) < count:
            count -= len(self._read)
            self._read = yield from self._more()
        self._read = self._read[count:]

    def pass_over_rest(self) -> Steps[W, None]:
        self._read = b""
        while (yield from self._receive()):
            continue

    def _more(self) -> Steps[W, bytes]:
        if not (more := (yield from self._receive())):
            raise ConnectionError("the answer ended before it was complete")
        return more
