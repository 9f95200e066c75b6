"""The local API, served in an arena, and a plain client for it: one connection, one request at a time, no magic."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

from supervisor.adapters.http_api.door import HttpApi
from supervisor.adapters.http_api.exchange import WSGIApp
from supervisor.adapters.http_api.listen import UNIX, open_entrance
from supervisor.adapters.http_api.means import Means, Patience
from supervisor.core.tally import Tally
from tests.conformance.api_arena import Arena

ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Connection(http.client.HTTPConnection):
    """address: as ECS_SUPERVISOR_API has it."""

    def __init__(self, address: str) -> None:
        self._path = address.removeprefix(UNIX) if address.startswith(UNIX) else ""
        super().__init__(
            "localhost" if self._path else address.removeprefix("http://"), timeout=ANSWER_SECONDS
        )

    def connect(self) -> None:
        if not self._path:
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(ANSWER_SECONDS)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            raise

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request and return the answer. A body that is not bytes is sent as JSON."""
        sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        kind = {} if isinstance(body, bytes | None) else {"Content-Type": "application/json"}
        self.request(method, path, sent, kind | dict(headers or {}))
        answer = self.getresponse()
        return Reply(answer.status, answer.headers, answer.read())


@dataclass(frozen=True)
class Served:
    """tcp, unix: the addresses."""

    arena: Arena
    api: HttpApi
    tcp: str
    unix: str

    @contextmanager
    def connected(self, address: str | None = None) -> Iterator[Connection]:
        connection = Connection(address or self.unix)
        try:
            yield connection
        finally:
            connection.close()

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send one request over a connection of its own, by TCP."""
        with self.connected(self.tcp) as connection:
            return connection.ask(method, path, body, headers)

    def raw(self, address: str | None = None) -> socket.socket:
        """Connect, and leave it to the test what to say."""
        connection = Connection(address or self.tcp)
        connection.connect()
        return connection.sock


@contextmanager
def served(
    directory: Path,
    arena: Arena | None = None,
    *,
    token_file: Path | None = None,
    remote: bool = False,
    mounts: Mapping[str, WSGIApp] | None = None,
    patience: Patience | None = None,
) -> Iterator[Served]:
    """Serve the API of an arena on both kinds of sockets."""
    arena = arena or Arena()
    tally = Tally()
    arena.record = tally.count
    entrances = [open_entrance(f"{UNIX}{directory}/api"), open_entrance("127.0.0.1:0")]
    means = Means(
        arena.desk,
        arena.clock,
        arena.tell,
        tally,
        lambda: {"version": "1.2.3", "pid": os.getpid(), "identity": None},
        lambda: 0,
        None if token_file is None else str(token_file),
        remote,
        mounts or {},
        patience=patience or Patience(),
    )
    api = HttpApi(entrances, arena.selector, arena.clock, arena.background.start, lambda: means, means.tell)
    arena.hooks.append(api)
    try:
        with arena.deciding():
            yield Served(arena, api, entrances[1].address, entrances[0].address)
    finally:
        for entrance in entrances:
            os.close(entrance.descriptor)
