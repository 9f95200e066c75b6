"""An HTTP/1.1 server on loopback that behaves on the wire as the agent's does.

`http.server` does the parsing. What it does not know is added here: one limit for the whole body, an answer
that is a closed connection, any method, and a stop that cuts every open connection as a restarted agent
would.
"""

from __future__ import annotations

import math
import select
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from supervisor.emulator import answers
from supervisor.emulator.answers import Answer

# A peer that has closed its side. Unlike a readable socket this is not triggered by a next request sent
# early.
_HANG_UP = select.POLLRDHUP | select.POLLHUP | select.POLLERR

_STOP_LIMIT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Request:
    """A received request; `connected_after` waits so long and says whether the client is still there."""

    client: str
    method: str
    path: str
    query: str
    body: bytes
    connected_after: Callable[[float], bool]


# None closes the connection without an answer.
Respond = Callable[[Request], Answer | None]


class Listener:
    """Keeps its port from the first start on, so that it can go away and come back."""

    def __init__(self, respond: Respond, read_limit_seconds: float) -> None:
        self._respond = respond
        self._read_limit_seconds = read_limit_seconds
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    def start(self) -> None:
        if self._server is not None:
            return
        self._server = _Server(self.port, self._respond, self._read_limit_seconds)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="emulated-agent", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Refuse new connections and cut the open ones."""
        if self._server is None or self._thread is None:
            return
        # The closed socket wakes the accepting loop, which then finds that it is to end.
        self._server.socket.shutdown(socket.SHUT_RDWR)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._server.hang_up()
        self._server = None
        self._thread = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, respond: Respond, read_limit_seconds: float) -> None:
        self.respond = respond
        self.read_limit_seconds = read_limit_seconds
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        # http.server would look up the host's name here, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name = "127.0.0.1"
        self.server_port = int(self.server_address[1])

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: socket.socket) -> None:  # type: ignore[override]
        super().close_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is daily life; anything else is a bug and is printed."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def hang_up(self) -> None:
        with self._changed:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
            self._changed.wait_for(lambda: not self._connections, timeout=_STOP_LIMIT_SECONDS)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        # Go has no separate idle limit: a kept connection is closed when the read limit passes in silence.
        self.connection.settimeout(self.server.read_limit_seconds)

    def parse_request(self) -> bool:
        """Lead every method to one place; `http.server` looks for a method of that name."""
        understood = super().parse_request()
        self.method, self.command = self.command, "request"
        return understood

    def do_request(self) -> None:
        try:
            body = self._read_body(time.monotonic() + self.server.read_limit_seconds)
        except (TimeoutError, ValueError):
            self.close_connection = True
            return
        self.connection.settimeout(self.server.read_limit_seconds)
        path, query = _split(self.requestline.split()[1])
        answer = self.server.respond(
            Request(self.client_address[0], self.method, path, query, body, self._connected_after)
        )
        if answer is None:
            self.close_connection = True
        else:
            self._send(answer)

    def send_error(self, *_reasons: object) -> None:
        """What could not be parsed gets one short answer, and the connection is closed."""
        self.close_connection = True
        self._send(answers.bad_request())

    def log_message(self, *_parts: object) -> None:
        """Calls are recorded by the agent; nothing is printed."""

    def _read_body(self, deadline: float) -> bytes:
        """Raises TimeoutError when the body is not there in time, ValueError when it is malformed."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks(deadline)
        return self._read_exactly(int(self.headers.get("Content-Length", "0")), deadline)

    def _read_chunks(self, deadline: float) -> bytes:
        body = b""
        while size := int(self._read_line(deadline).split(b";")[0], 16):
            body += self._read_exactly(size, deadline)
            self._read_line(deadline)
        while self._read_line(deadline):
            continue
        return body

    def _read_line(self, deadline: float) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            line += self._read_exactly(1, deadline)
        return line.strip()

    def _read_exactly(self, size: int, deadline: float) -> bytes:
        received = b""
        while len(received) < size:
            # NB: a socket limit of zero would mean "do not block", which is not what is wanted here.
            self.connection.settimeout(max(0.001, deadline - time.monotonic()))
            piece = self.rfile.read1(size - len(received))
            if not piece:
                raise ValueError("the client closed its side before the body was complete")
            received += piece
        return received

    def _connected_after(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self.connection, _HANG_UP)
        return not poll.poll(None if math.isinf(seconds) else math.ceil(seconds * 1000))

    def _send(self, answer: Answer) -> None:
        head = [
            f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
            # These two stand on every answer of the agent's limited router, whatever its status.
            "X-Rate-Limit-Duration: 1",
            "X-Rate-Limit-Limit: 40.00",
            f"Date: {formatdate(usegmt=True)}",
            f"Content-Length: {len(answer.body)}",
        ]
        if answer.content_type:
            head.append(f"Content-Type: {answer.content_type}")
        if answer.location:
            head.append(f"Location: {answer.location}")
        if self.close_connection:
            head.append("Connection: close")
        self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + answer.body)


def _split(target: str) -> tuple[str, str]:
    """The path and the query of a request line, also of one written for a proxy."""
    if target.startswith("http://"):
        parts = urlsplit(target)
        return parts.path, parts.query
    path, _, query = target.partition("?")
    return path, query
