"""waitress with our limits: few threads, few connections, and nobody may take longer than is reasonable.

It is driven here instead of by its own loop, which would wake once a second for nothing, waits with select(2), which knows no
descriptor above 1023, and would spin when descriptors run out.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any

from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer, UnixWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.wasyncore import close_all, poll2

from . import brief
from .app import App
from .channel import Channel
from .exchange import BODY_BYTES
from .means import Means, Patience
from .problem import crowded
from .waiters import Waiters, no_crew

# For short requests; each waits for the deciding thread, which answers one after another anyway.
_THREADS = 4

# A worker has some processes with a connection each, and a few tools look on.
MOST_CONNECTIONS = 256

# An idle one gives way to a new one when there are too many.
_GIVES_WAY_SECONDS = 1.0

_HEADER_BYTES = 16 * 1024

# How often overdue connections are looked for, while there are any.
_TIDY_SECONDS = 1.0

# How long nobody is accepted after descriptors or memory ran out; whoever connects waits in the kernel.
_REST_SECONDS = 1.0

_LIMITS = {
    "backlog": 128,
    # So few requests fit in that the answers to all of them stay below what may wait for a peer.
    "recv_bytes": 4096,
    "max_request_header_size": _HEADER_BYTES,
    "max_request_body_size": BODY_BYTES + 1,
    # A container may have no place to write to, so nothing is put into files, however much it is.
    "inbuf_overflow": 2**30,
    "outbuf_overflow": 2**30,
    # So much waits for a peer that does not read, until it is closed by the clock; the thread that serves it waits too.
    "outbuf_high_watermark": 2 * 1024 * 1024,
    # It goes on reading while a request is served, so that it sees a hang-up.
    "channel_request_lookahead": 1,
    # Ours is below; this one only must not come first.
    "connection_limit": 100_000,
    "log_socket_errors": False,
    "expose_tracebacks": False,
    "clear_untrusted_proxy_headers": False,
    "ident": None,
    "server_name": "localhost",
}


def serve(descriptors: Sequence[int], means: Means, waiters: Waiters) -> None:
    """Serve these listening sockets until they are shut down. After a defect, which is raised, it may be called again."""
    _silence()
    crew = _Crew()
    waiters.crew = lambda waiting: crew.set_thread_count(_THREADS + waiting)
    waiters.crew(0)
    server = _Server(App(means, waiters), crew, descriptors, means.patience)
    try:
        while server.is_listening:
            server.turn()
    finally:
        # Who waits is woken by the end of its connection, and needs no thread after that.
        waiters.crew = no_crew
        crew.shutdown(timeout=0)
        server.close()


class _Crew(ThreadedTaskDispatcher):  # type: ignore[misc]  # waitress has no types
    """The threads for what takes longer."""

    def add_task(self, channel: Channel) -> None:
        if not channel.takes_on():
            super().add_task(channel)


class _Server:
    """All sockets that listen, with their connections."""

    def __init__(self, app: App, crew: Any, descriptors: Sequence[int], patience: Patience) -> None:
        self._app = app
        self._map: dict[int, Any] = {}
        # Connections with a request that is answered here, in the turn in which it has come.
        self._brief: list[Channel] = []
        self._listeners = []
        adjustments = Adjustments(**_LIMITS)
        for descriptor in descriptors:
            # The original is kept, for the next time.
            listener = socket.socket(fileno=os.dup(descriptor))
            made = _Unix if listener.family == socket.AF_UNIX else _Tcp
            name = (listener.family, listener.type, listener.proto, listener.getsockname())
            self._listeners.append(
                made(
                    app,
                    self._map,
                    _sock=listener,
                    dispatcher=crew,
                    adj=adjustments,
                    sockinfo=name,
                    bind_socket=False,
                )
            )
        for each in self._listeners:
            each.reader, each.patience, each.brief = threading.get_ident(), patience, self._brief
        self._tidied_at = 0.0

    @property
    def is_listening(self) -> bool:
        return any(listener.accepting for listener in self._listeners)

    def turn(self) -> None:
        """Wait for something to happen, and take it in."""
        is_idle = not any(listener.active_channels or listener.rests_until for listener in self._listeners)
        poll2(None if is_idle else _TIDY_SECONDS, self._map)
        while self._brief:
            connections = tuple(self._brief)
            self._brief.clear()
            brief.serve(self._app, connections)
        now = time.monotonic()
        if now - self._tidied_at >= _TIDY_SECONDS:
            self._tidied_at = now
            for listener in self._listeners:
                listener.tidy(now)

    def close(self) -> None:
        for listener in self._listeners:
            for channel in tuple(listener.active_channels.values()):
                channel.handle_close()
        close_all(self._map)


class _Bounded:
    """What both kinds of listeners have in common."""

    channel_class = Channel
    active_channels: dict[int, Channel]
    accepting: bool
    rests_until = 0.0
    reader: int
    patience: Patience
    brief: list[Channel]

    def readable(self) -> bool:
        return not self.rests_until

    def pull_trigger(self) -> None:
        # Who waits need not be woken where it is who calls.
        if threading.get_ident() != self.reader:
            super().pull_trigger()  # type: ignore[misc]

    def handle_accept(self) -> None:
        try:
            connected, address = self.socket.accept()  # type: ignore[attr-defined]
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError:
            # No descriptors or no memory: what waits would wake us for ever.
            self.rests_until = time.monotonic() + _REST_SECONDS
            return
        if len(self.active_channels) >= MOST_CONNECTIONS and not self._make_room():
            _turn_away(connected)
            return
        try:
            self.set_socket_options(connected)  # type: ignore[attr-defined]
            self.channel_class(self, connected, self.fix_addr(address), self.adj, map=self._map)  # type: ignore[attr-defined]
        except OSError:
            connected.close()

    def handle_close(self) -> None:
        self.accepting = False
        self.close()  # type: ignore[attr-defined]

    def tidy(self, now: float) -> None:
        """Close what is overdue."""
        if self.rests_until and now >= self.rests_until:
            self.rests_until = 0.0
        for channel in tuple(self.active_channels.values()):
            if channel.is_overdue(now):
                channel.handle_close()

    def _make_room(self) -> bool:
        now = time.monotonic()
        channel = max(self.active_channels.values(), key=lambda each: each.idle_for(now))
        if channel.idle_for(now) < _GIVES_WAY_SECONDS:
            return False
        channel.handle_close()
        return True


class _Tcp(_Bounded, TcpWSGIServer):  # type: ignore[misc]  # waitress has no types
    pass


class _Unix(_Bounded, UnixWSGIServer):  # type: ignore[misc]
    pass


def _turn_away(connected: socket.socket) -> None:
    """Answer without looking at what is asked."""
    problem = crowded(f"there are {MOST_CONNECTIONS} connections already", "close those that you do not need")
    body = problem.body()
    head = (
        "HTTP/1.1 429 Too Many Requests",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in problem.headers),
    )
    with connected:
        connected.setblocking(False)
        try:
            connected.send("\r\n".join((*head, "", "")).encode() + body)
            connected.shutdown(socket.SHUT_WR)
            # What was not read when it is closed would cost the peer the answer.
            connected.recv(BODY_BYTES)
        except OSError:
            return


def _silence() -> None:
    """Let it log nothing by itself: our log has a form of its own, and a client must not be able to fill it."""
    for name in ("waitress", "waitress.queue"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
