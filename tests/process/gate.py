"""A gate before a server: it lets requests of AWS's protocols through, refuses those signed with old keys, or swallows them."""

from __future__ import annotations

import http.client
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

_EXPIRED = {
    "__type": "com.amazon.coral.service#ExpiredTokenException",
    "message": "The security token included in the request is expired",
}

_SIGNER = re.compile(r"Credential=([^/]+)/")

# Longer than any poll.
_ANSWER_SECONDS = 40.0


class Gate:
    """keys: the access keys that the requests were signed with, in their order. expired: those that are refused.

    Nothing gets through before `to` has said where to. While `shut`, requests are taken and not answered.
    """

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.expired: set[str] = set()
        self.refused = 0
        self.answered = 0
        self._server_known = threading.Event()
        self._open = threading.Event()
        self._open.set()
        self._address = ("", 0)
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Gate:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        self._open.set()
        self._server_known.set()
        self._server.shutdown()
        self._server.server_close()

    def to(self, url: str) -> None:
        """Say where requests go."""
        split = urlsplit(url)
        self._address = (split.hostname or "", split.port or 80)
        self._server_known.set()

    def shut(self) -> None:
        """Swallow what comes from now on: connections are taken, answers never come."""
        self._open.clear()

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Return what the server says to a request, or what the gate does."""
        self._server_known.wait()
        self._open.wait()
        signer = _SIGNER.search(" ".join(headers.values()))
        key = signer.group(1) if signer else ""
        self.keys.append(key)
        if key in self.expired:
            self.refused += 1
            return 403, json.dumps(_EXPIRED).encode()
        connection = http.client.HTTPConnection(*self._address, timeout=_ANSWER_SECONDS)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        self.answered += 1
        return answer.status, content


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, gate: Gate) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.gate = gate

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients hang up whenever they like."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, content = self.server.gate.answer(self.path, dict(self.headers), body)
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Say nothing: `keys` has it."""
