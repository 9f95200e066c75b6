"""One HTTP exchange over a connection of its own that ends in time, whatever the other side does.

Written here and not taken from `requests`, because every task on ECS asks the agent once at its start: loading that library
takes 15 MiB and 60 ms of processor time (0.5 s at a quarter of a vCPU), and it bounds every single read and not their sum, so
a peer that sends a byte now and then could hold its caller for ever. What the agent speaks is little: HTTP/1.1 in plain text,
one small answer. Proxies, redirects, cookies and compression do not exist here: the peer is on this machine's link. The C
module below `socket` does all of it, for half a megabyte less.
"""

from __future__ import annotations

import _socket
from time import monotonic

from supervisor.core.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# The longest answer of the agent seen is below 1 KiB; more than this is not the agent speaking.
LONGEST_BODY_BYTES = 64 * 1024

# Status line, headers and whatever frames the body, together; Go's servers send less than 300 bytes.
LONGEST_HEAD_BYTES = 16 * 1024

# So much is read at a time, or more where answers may be so long that there would be more reads than these.
_READ_BYTES = 4096
_READS = 256

_SCHEME = "http://"
_HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF")

# Their answers end with the headers, whatever those say (RFC 9112, 6.3).
_WITHOUT_BODY = (204, 304)


class Reply(Frozen):
    """A complete answer."""

    status: int
    content_type: str
    body: bytes


class WholeReply(Frozen):
    """A complete answer with all its headers, by their names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class NoReply(Frozen):
    """There was no complete answer. sent: whether the other side may have seen the request."""

    sent: bool
    why: str


def exchange(
    method: str, url: str, body: bytes | None, *, connect_seconds: float, answer_seconds: float
) -> Reply | NoReply:
    """Send one request and read its answer: connected within the first limit, complete within the second after that.

    NB: a host name costs in addition what the resolver takes; ECS names a number.
    """
    try:
        address = parse_url(url)
        request = request_bytes(method, address.authority, address.path, body)
        connected = connect(address.host, address.port, connect_seconds)
    except (OSError, ValueError) as error:
        return NoReply(sent=False, why=_reason(error))
    return converse(connected, request, answer_seconds)


def converse(
    connected: _socket.socket, request: bytes, answer_seconds: float, longest_body: int = LONGEST_BODY_BYTES
) -> Reply | NoReply:
    """Send a request over a connection that stands, read its answer within the limits, and close the connection."""
    whole = relay(connected, request, answer_seconds, longest_body)
    if isinstance(whole, NoReply):
        return whole
    return Reply(whole.status, whole.headers.get("content-type", ""), whole.body)


def relay(
    connected: _socket.socket, request: bytes, answer_seconds: float, longest_body: int = LONGEST_BODY_BYTES
) -> WholeReply | NoReply:
    """Do the same, and keep the headers."""
    try:
        return ask(connected, request, answer_seconds, longest_body)
    except (OSError, ValueError) as error:
        return NoReply(sent=True, why=_reason(error))
    finally:
        connected.close()


def ask(
    connected: _socket.socket, request: bytes, answer_seconds: float, longest_body: int = LONGEST_BODY_BYTES
) -> WholeReply:
    """Do the same over a connection that is kept. Raise OSError or ValueError where no complete answer comes.

    Where more came than one answer the connection is closed, because nobody asked for the rest.
    """
    connection = _Connection(connected, monotonic() + answer_seconds, longest_body)
    connection.send(request)
    reply = _read_reply(connection, request.startswith(b"HEAD "))
    if connection.has_more():
        connected.close()
    return reply


def request_bytes(
    method: str, authority: str, path: str, body: bytes | None, headers: Sequence[str] = ()
) -> bytes:
    """Return a request for one answer in JSON. headers: whole lines, in addition."""
    # The agent closes a kept connection after 5 s without a request (its read timeout), so keeping one gains
    # nothing and fails now and then. Compressed, 64 KiB could unpack to anything.
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {authority}",
        "Accept: application/json",
        "Accept-Encoding: identity",
        "Connection: close",
        *headers,
    ]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode() + (body or b"")


def connect(host: str, port: int, seconds: float) -> _socket.socket:
    """Return a connection to the first of the host's addresses that takes it. Raise OSError."""
    deadline = monotonic() + seconds
    problem = OSError("the host has no address")
    # As bytes, because for a text the module loads the tables of international names.
    found = _socket.getaddrinfo(host.encode(), port, 0, _socket.SOCK_STREAM)
    for family, kind, protocol, _, where in found:
        connected = _socket.socket(family, kind, protocol)
        try:
            connected.settimeout(_left(deadline))
            connected.connect(where)
            return connected
        except OSError as error:
            connected.close()
            problem = error
    raise problem


class Address(Frozen):
    host: str
    port: int
    # The host as the URL has it, with brackets and port.
    authority: str
    path: str


def parse_url(url: str) -> Address:
    """Take an address apart. Raise ValueError for one that cannot be used."""
    if url[: len(_SCHEME)].lower() != _SCHEME:
        raise ValueError(f"{url!r} does not begin with {_SCHEME}")
    authority, slash, path = url[len(_SCHEME) :].partition("/")
    path = slash + path
    if not all("!" <= character <= "~" and character not in "?#@" for character in authority + path):
        raise ValueError(f"{url!r} has characters that do not belong there")
    # A double slash in the path would be answered with a redirect.
    while "//" in path:
        path = path.replace("//", "/")
    if authority.startswith("["):
        host, bracket, rest = authority[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{url!r} has no usable host")
        port = rest[1:]
    else:
        host, _, port = authority.partition(":")
    if not host or (port and not (port.isdecimal() and 0 < int(port) < 65536)):
        raise ValueError(f"{url!r} has no usable host or port")
    return Address(host, int(port or 80), authority, path or "/")


class _Connection:
    """Bytes out and in until a deadline; every read beyond it and every end that comes too soon is an OSError."""

    def __init__(self, connected: _socket.socket, deadline: float, longest_body: int) -> None:
        self._socket = connected
        self._deadline = deadline
        self._buffer = b""
        self._head_bytes = 0
        self._longest_body = longest_body
        self._read_bytes = max(_READ_BYTES, longest_body // _READS)
        self.has_heard = False

    def send(self, request: bytes) -> None:
        self._socket.settimeout(_left(self._deadline))
        self._socket.sendall(request, _socket.MSG_NOSIGNAL)

    def line(self) -> bytes:
        """Return the next line without its end."""
        while b"\n" not in self._buffer:
            if len(self._buffer) + self._head_bytes > LONGEST_HEAD_BYTES:
                break
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\n")
        self._head_bytes += len(line) + 1
        if self._head_bytes > LONGEST_HEAD_BYTES:
            raise ValueError(f"the headers of the answer are longer than {LONGEST_HEAD_BYTES} bytes")
        return line.removesuffix(b"\r")

    def exactly(self, count: int) -> bytes:
        """Return so many bytes."""
        while len(self._buffer) < count:
            self._more()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def has_more(self) -> bool:
        return bool(self._buffer)

    def rest(self) -> bytes:
        """Return what comes until the end."""
        while len(self._buffer) <= self._longest_body and (more := self._receive()):
            self._buffer += more
        return self._buffer[: self.allowed(len(self._buffer))]

    def allowed(self, length: int) -> int:
        """Return the length of a body. Raise ValueError where that is too long."""
        if length > self._longest_body:
            raise ValueError(f"the answer is longer than {self._longest_body} bytes")
        return length

    def _more(self) -> None:
        if not (more := self._receive()):
            told = "the answer ended before it was complete" if self.has_heard else _NOTHING_HEARD
            raise ConnectionError(told)
        self.has_heard = True
        self._buffer += more

    def _receive(self) -> bytes:
        self._socket.settimeout(_left(self._deadline))
        return self._socket.recv(self._read_bytes)


_NOTHING_HEARD = "the other side closed connection without response"


def _read_reply(connection: _Connection, is_head: bool) -> WholeReply:
    status = _read_status(connection)
    headers = _read_headers(connection)
    # Announcements such as `100 Continue` come before the answer.
    while 100 <= status < 200:
        status = _read_status(connection)
        headers = _read_headers(connection)
    body = b"" if is_head or status in _WITHOUT_BODY else _read_body(connection, headers)
    return WholeReply(status, headers, body)


def _read_status(connection: _Connection) -> int:
    line = connection.line()
    version, _, rest = line.partition(b" ")
    digits = rest.lstrip(b" ")[:3]
    if not version.startswith(b"HTTP/1.") or len(digits) != 3 or not digits.isdigit():
        raise ValueError(f"the answer is not HTTP: {line[:40]!r}")
    return int(digits)


def _read_headers(connection: _Connection) -> dict[str, str]:
    headers: dict[str, str] = {}
    while line := connection.line().decode("latin-1"):
        name, colon, value = line.partition(":")
        name, value = name.lower(), value.strip()
        if not colon or not name or name != name.strip():
            raise ValueError(f"the answer has a header that is none: {line[:40]!r}")
        if name == "content-length" and headers.get(name, value) != value:
            raise ValueError("the answer has two lengths")
        headers[name] = value
    return headers


def _read_body(connection: _Connection, headers: dict[str, str]) -> bytes:
    if (coding := headers.get("transfer-encoding")) is not None:
        if coding.lower() != "chunked":
            raise ValueError(f"the answer comes in a coding that was not asked for: {coding[:40]!r}")
        return _read_chunks(connection)
    if (length := headers.get("content-length")) is None:
        return connection.rest()
    if not (length.isascii() and length.isdecimal()):
        raise ValueError(f"the answer's length is no number: {length[:40]!r}")
    return connection.exactly(connection.allowed(int(length)))


def _read_chunks(connection: _Connection) -> bytes:
    body = b""
    while size := _chunk_size(connection.line()):
        connection.allowed(len(body) + size)
        body += connection.exactly(size)
        if connection.line():
            raise ValueError("a part of the answer is longer than it was announced")
    while connection.line():
        # Headers after the body say nothing that is wanted.
        continue
    return body


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not digits or not _HEXADECIMAL.issuperset(digits):
        raise ValueError(f"a part of the answer has no length: {line[:40]!r}")
    return int(digits, 16)


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
