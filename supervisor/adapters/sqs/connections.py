"""Connections to one service that are kept between requests, each used by one request at a time."""

from __future__ import annotations

import select
import socket
import weakref
from collections.abc import Callable
from time import monotonic

# Gateways forget a silent connection without a word (NAT on AWS: after 350 s), and what is then sent is lost.
_LONGEST_IDLE_SECONDS = 60.0

Open = Callable[[], socket.socket]


class Connections:
    """May be used by any number of threads. opened: makes one; may raise OSError. most: kept while nobody needs them."""

    def __init__(self, opened: Open, most: int) -> None:
        self._open = opened
        self._most = most
        # Those used last are at the end, and taken first.
        self._idle: list[tuple[float, socket.socket]] = []
        weakref.finalize(self, _close_all, self._idle)

    def take_kept(self) -> socket.socket | None:
        """Return one that was used before, if there is any that still seems to be good."""
        while True:
            try:
                used_at, kept = self._idle.pop()
            except IndexError:
                return None
            if monotonic() - used_at < _LONGEST_IDLE_SECONDS and not _has_news(kept):
                return kept
            kept.close()

    def open(self) -> socket.socket:
        """Return a new one. Raise OSError."""
        return self._open()

    def keep(self, used: socket.socket) -> None:
        if len(self._idle) < self._most:
            self._idle.append((monotonic(), used))
        else:
            used.close()


def opener(host: str, port: int, seconds: float, bundle: str | None) -> Open:
    """Return what connects within so many seconds. bundle: certificates to trust, None for a plain connection."""
    wrap: Callable[[socket.socket], socket.socket] | None = (
        None if bundle is None else _encrypting(host, bundle)
    )

    def connect() -> socket.socket:
        connected = socket.create_connection((host, port), seconds)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A long poll is silent for up to 20 s, and one that is lost should be known to be.
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if wrap is None:
            return connected
        try:
            return wrap(connected)
        except BaseException:
            connected.close()
            raise

    return connect


def _encrypting(host: str, bundle: str) -> Callable[[socket.socket], socket.socket]:
    import os
    import ssl

    class Encrypted(ssl.SSLSocket):
        def sendall(self, content: bytes, _flags: int = 0) -> None:  # type: ignore[override]
            """Send without flags, because there are none here; Python ignores the signal that they would keep away."""
            super().sendall(content)

    is_folder = os.path.isdir(bundle)
    context = ssl.create_default_context(
        cafile=None if is_folder else bundle, capath=bundle if is_folder else None
    )
    context.sslsocket_class = Encrypted
    return lambda connected: context.wrap_socket(connected, server_hostname=host)


def _has_news(kept: socket.socket) -> bool:
    """Say whether anything came that nobody asked for; mostly that is its end."""
    poll = select.poll()
    poll.register(kept, select.POLLIN)
    return bool(poll.poll(0))


def _close_all(idle: list[tuple[float, socket.socket]]) -> None:
    for _, kept in idle:
        kept.close()
