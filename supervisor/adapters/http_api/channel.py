"""One connection of the server: it sees when its peer hangs up, and gives nobody more time than is reasonable.

waitress closes what is silent for long, but not a request that comes byte by byte, nor a peer that does not read; and it takes
half of a hang-up (`nc`, which has said all that it wants to say) for a whole one. Here a connection is in one of five
states, each with its limit, and who has only finished talking still gets the answer.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from waitress.channel import HTTPChannel
from waitress.task import ErrorTask, WSGITask

from .app import App
from .brief import in_one, is_brief
from .exchange import CONNECTION, Answer, Asked, Environ
from .parser import Parser
from .problem import ProblemError

# What a refused peer still sends is on its way already.
_LEAVING_SECONDS = 1.0

_KINDS = {400: "malformed", 413: "too-large", 431: "too-large", 501: "not-understood"}
_FIXES = {
    413: "send what the supervisor needs, not the job",
    431: "send fewer and shorter headers",
    500: "report it, with the supervisor's log of this moment",
}


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """Fulfils exchange.Peer."""

    close_when_flushed: bool

    def __init__(self, *place: Any, **more: Any) -> None:
        self.task_class, self.error_task_class, self.parser_class = _Task, _Refusal, Parser
        self._has_hung_up = False
        self._has_been_served = False
        self._reader = threading.get_ident()
        self._answer: Answer | None = None
        # With a lock of its own: a connection may break while waitress holds its locks.
        self._closed_lock = threading.Lock()
        self._when_closed: list[Callable[[], object]] = []
        # After a refusal the rest of what was sent is taken and thrown away, or the peer would not get to read it.
        self.is_refused = False
        self._is_lingering = False
        self._state: tuple[str, object] = ("receiving", None)
        self._since = time.monotonic()
        super().__init__(*place, **more)

    @property
    def local(self) -> Any:
        return self.socket.getsockname()

    @property
    def is_unix(self) -> bool:
        return bool(self.addr[1] is None)

    def fileno(self) -> int:
        return int(self.socket.fileno())

    @property
    def may_wait(self) -> bool:
        return threading.get_ident() != self._reader

    def when_closed(self, tell: Callable[[], object]) -> None:
        with self._closed_lock:
            self._when_closed.append(tell)
        if self._has_hung_up or not self.connected:
            self._tell_closed()

    def is_overdue(self, now: float) -> bool:
        """Say whether it is in its present state for too long; to be asked every second or so."""
        state = self._present()
        if state != self._state:
            self._state, self._since = state, now
        patience = self.server.patience
        limits = {
            "receiving": patience.request,
            "sending": patience.read,
            "idle": patience.idle,
            "leaving": _LEAVING_SECONDS,
        }
        return bool(now - self._since > limits.get(state[0], math.inf))

    def idle_for(self, now: float) -> float:
        """Return since when nothing is asked, as far as was seen; less than zero where something is."""
        return now - self._since if self._state == self._present() and self._state[0] == "idle" else -1.0

    def _present(self) -> tuple[str, object]:
        if self._is_lingering:
            return "leaving", None
        if self.total_outbufs_len:
            return "sending", None
        if self.requests:
            return "serving", None
        if self.request is not None or not self._has_been_served:
            return "receiving", self.request
        return "idle", self.last_activity

    def readable(self) -> bool:
        return self._is_lingering or (not self._has_hung_up and bool(super().readable()))

    def handle_write(self) -> None:
        if self.is_refused and self.close_when_flushed and not self.total_outbufs_len:
            self.close_when_flushed, self._is_lingering = False, True
            self.socket.shutdown(socket.SHUT_WR)
        else:
            super().handle_write()

    def handle_read(self) -> None:
        try:
            received = self.socket.recv(self.adj.recv_bytes)
        except BlockingIOError:
            return
        except OSError:
            self.handle_close()
            return
        if received and self._is_lingering:
            return
        if received:
            self.received(received)
            return
        with self.requests_lock:
            self._has_hung_up = True
            is_awaited = bool(self.requests)
        self._tell_closed()
        if not is_awaited:
            self.handle_close()

    def takes_on(self) -> bool:
        """Say whether the thread that reads serves the next request as well: passing it on takes longer than serving it.

        It must neither wait for an event nor for a peer to read, or nobody else is served meanwhile.
        """
        if self.may_wait or self.total_outbufs_len or not is_brief(self.requests[0]):
            return False
        self.server.brief.append(self)
        return True

    @property
    def is_plain(self) -> bool:
        request = self.requests[0]
        return request.error is None and bool(request.version == "1.1")

    def begin(self, app: App) -> Answer | Asked[Any]:
        return app.begin(_Task(self, self.requests[0]).get_environment())

    def finish(self, answer: Answer) -> None:
        self._answer = answer
        self.service()

    def take_answer(self) -> Answer | None:
        """Return what was worked out for the next request already, if anything."""
        answer, self._answer = self._answer, None
        return answer

    def send_at_once(self, answer: bytes) -> None:
        """Send what is small, in one packet, where nothing else is to be sent; what the peer has no room for waits."""
        try:
            sent = self.send(answer, do_close=False)
        except OSError:
            self.will_close = True
            return
        if sent < len(answer):
            self.write_soon(answer[sent:])

    def service(self) -> None:
        with self._closed_lock:
            # They were the last request's; not cleared after it, because the next may have begun by then.
            self._when_closed.clear()
        super().service()
        self._has_been_served = True
        with self.requests_lock:
            if self._has_hung_up and not self.requests:
                self.close_when_flushed = True
                self.server.pull_trigger()

    def handle_close(self) -> None:
        super().handle_close()
        self._tell_closed()

    def _tell_closed(self) -> None:
        with self._closed_lock:
            told, self._when_closed = self._when_closed, []
        for tell in told:
            tell()


class _Task(WSGITask):  # type: ignore[misc]
    def service(self) -> None:
        answer = self.channel.take_answer()
        if answer is None:
            super().service()
            return
        self.start()
        self.wrote_header = True
        self.close_on_finish = self.request.headers.get("CONNECTION", "").lower() == "close"
        is_head = self.request.command == "HEAD"
        self.channel.send_at_once(in_one(answer, is_head, self.close_on_finish, self.start_time))

    def get_environment(self) -> Environ:
        environ: Environ = super().get_environment()
        environ[CONNECTION] = self.channel
        return environ


class _Refusal(ErrorTask):  # type: ignore[misc]
    """What the server refuses by itself, in the same form as all else."""

    def execute(self) -> None:
        error = self.request.error
        self.channel.is_refused = True
        kind, fix = _KINDS.get(error.code, "defect"), _FIXES.get(error.code, "send HTTP/1.1")
        problem = ProblemError(error.code, kind, error.body, fix)
        body = problem.body()
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store")]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)
