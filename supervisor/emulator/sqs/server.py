"""The stand-in on a port: AWS's JSON protocol over HTTP, with faults on demand and a record of every call."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from .actions import Actions
from .faults import REFUSALS, Fault, Faults
from .history import History
from .queues import StoredQueue
from .refusal import Refused

_CONTENT_TYPE = "application/x-amz-json-1.0"


@dataclass(slots=True)
class Call:
    """One request. ended_at: None while it goes on. code: of a refusal. answer: None where none was given."""

    action: str
    asked: dict[str, Any]
    began_at: float
    fault: Fault | None
    ended_at: float | None = None
    code: str | None = None
    answer: dict[str, Any] | None = None
    agent: str = ""
    client: str = field(default="", compare=False)


class SqsServer:
    """A context manager. url: for `endpoint_url`. faults, history: what goes wrong, and what has become of messages."""

    def __init__(self, port: int = 0, seed: int = 0) -> None:
        self.history = History()
        self.faults = Faults(seed)
        self._actions = Actions(self.history)
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._port = port
        self._server: _Server | None = None

    def __enter__(self) -> SqsServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen, on the same port as before where it has been stopped; what was in the queues is still there."""
        self._server = _Server(self, self._port)
        self._port = self._server.server_address[1]
        self._actions.address = self.url
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="sqs", daemon=True).start()

    def stop(self) -> None:
        """Refuse connections. Polls under way go on, as those of the service do."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def create_queue(self, name: str, **attributes: str) -> str:
        """Return the URL of a new queue."""
        url: str = self._actions.perform("CreateQueue", {"QueueName": name, "Attributes": attributes})[
            "QueueUrl"
        ]
        return url

    def perform(self, action: str, **asked: Any) -> dict[str, Any]:
        """Carry out an action of the API as nobody's client, without a trace in `calls`. Raise Refused."""
        return self._actions.perform(action, asked)

    def queue(self, name: str) -> StoredQueue:
        return self._actions.queue(name)

    def calls(self, *actions: str) -> list[Call]:
        """Return the calls of these actions, or all, in the order in which they began."""
        with self._lock:
            return [call for call in self._calls if not actions or call.action in actions]

    def answer(self, call: Call) -> tuple[int, dict[str, Any], str] | None:
        """Perform a call; return status, body and, for a refusal, the code for older clients. None: say nothing."""
        with self._lock:
            self._calls.append(call)
        if call.fault is Fault.CUT_BEFORE:
            return None
        try:
            if call.fault in REFUSALS:
                raise REFUSALS[call.fault]
            call.answer = self._actions.perform(call.action, call.asked)
        except Refused as refused:
            call.code = refused.code
            body = {"__type": f"com.amazonaws.sqs#{refused.code}", "message": refused.text}
            return refused.status, body, refused.older
        finally:
            call.ended_at = time.monotonic()
        return None if call.fault is Fault.CUT_AFTER else (200, call.answer, "")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A stopped service leaves no trace of the connections it had.
    block_on_close = False
    request_queue_size = 128

    def __init__(self, stand_in: SqsServer, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.stand_in = stand_in

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients hang up whenever they like."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One packet for head and body each would wait for the other side's acknowledgement (Nagle's algorithm).
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        action = self.headers["X-Amz-Target"].rpartition(".")[2]
        stand_in = self.server.stand_in
        call = Call(action, asked, time.monotonic(), stand_in.faults.for_call(action))
        call.agent = self.headers.get("User-Agent", "")
        answer = stand_in.answer(call)
        if answer is None:
            self.close_connection = True
            return
        status, body, older = answer
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", _CONTENT_TYPE)
        self.send_header("Content-Length", str(len(content)))
        if older:
            self.send_header("x-amzn-query-error", f"{older};{'Sender' if status < 500 else 'Receiver'}")
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name is http.server's
        """Say nothing: the record has it."""
