"""A web application on a socket that behaves as told towards one client, however badly."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType

Behave = Callable[["Client"], None]

_JOIN_SECONDS = 10.0


class Client:
    """One connection. over: set when the test has ended."""

    def __init__(self, connection: socket.socket, over: threading.Event) -> None:
        self.connection = connection
        self.over = over
        self.received = b""

    def read_request(self) -> bytes:
        """Read head and body; return both."""
        while b"\r\n\r\n" not in self.received:
            self._more()
        head, _, body = self.received.partition(b"\r\n\r\n")
        lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        length = int(lengths[0].partition(b":")[2]) if lengths else 0
        while len(self.received) < len(head) + 4 + length:
            self._more()
        assert len(body) <= length
        return self.received

    def say(self, *parts: bytes, pause: float = 0.0) -> None:
        """Send parts, with pauses before all but the first."""
        for index, part in enumerate(parts):
            if index:
                self.over.wait(pause)
            self.connection.sendall(part)

    def reset(self) -> None:
        """End the connection as the kernel does for a process that was killed with unread data."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()

    def _more(self) -> None:
        more = self.connection.recv(65536)
        if not more:
            raise ConnectionError
        self.received += more


class Peer:
    """A context manager. requests: as they came over the wire, of those behaviours that read them. hung_up: set when it did."""

    def __init__(self, behave: Behave) -> None:
        self._behave = behave
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.requests: list[bytes] = []
        self.hung_up = threading.Event()
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Peer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        # Closing it alone does not wake a thread that waits in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(_JOIN_SECONDS)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            client = Client(connection, self._over)
            with connection:
                try:
                    self._behave(client)
                except OSError:
                    # The client has hung up, which is what many of the tests are about.
                    continue
                finally:
                    self.requests.append(client.received)
            self.hung_up.set()
