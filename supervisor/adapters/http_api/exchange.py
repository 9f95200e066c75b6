"""A request and its answer, without anything of the gateway between server and application (PEP 3333)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import parse_qsl

from supervisor.core.events import Event
from supervisor.ports import View

from .problem import CONTENT_TYPE, ProblemError, malformed

# A hold takes a few hundred bytes.
BODY_BYTES = 64 * 1024

# Where our server puts the connection; another server has none.
CONNECTION = "ecs_supervisor.connection"

# Where mounted applications find Waiters.waiting, for what takes longer than a short request.
WAITING = "ecs_supervisor.waiting"

T = TypeVar("T")

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]

_JSON = (("Content-Type", "application/json"),)

# Reasons that a handler gives by their number only; looking one up in the enum takes longer than all else here.
_STATUS_LINES = {each.value: f"{each.value} {each.phrase}" for each in HTTPStatus}


class Peer(Protocol):
    """The connection of whoever asks. local: our own end of it, as the kernel names it."""

    @property
    def local(self) -> Any: ...

    @property
    def is_unix(self) -> bool: ...

    @property
    def may_wait(self) -> bool:
        """Whether others are served meanwhile."""

    def fileno(self) -> int: ...

    def when_closed(self, tell: Callable[[], object]) -> None:
        """Have this called once as soon as the peer hangs up; at once if it has."""


class Request:
    """path: with all that was percent-encoded in it decoded."""

    __slots__ = ("_environ", "method", "path")

    def __init__(self, environ: Environ) -> None:
        self._environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        try:
            # The gateway's texts are bytes in disguise.
            self.path: str = environ["PATH_INFO"].encode("latin-1").decode()
        except UnicodeError:
            raise malformed("the path is not in UTF-8", "encode it in UTF-8, then in percent signs") from None

    @property
    def peer(self) -> Peer | None:
        return self._environ.get(CONNECTION)

    @property
    def is_http_1_0(self) -> bool:
        return bool(self._environ.get("SERVER_PROTOCOL") == "HTTP/1.0")

    def header(self, name: str) -> str:
        """Return a header by the gateway's name for it, empty where it was not sent."""
        return str(self._environ.get(f"HTTP_{name}", ""))

    @property
    def content_type(self) -> str:
        return str(self._environ.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower()

    def query(self) -> Mapping[str, str]:
        """Return what follows the question mark. Of several with one name the last counts."""
        return dict(parse_qsl(self._environ.get("QUERY_STRING", ""), keep_blank_values=True))

    def body(self) -> bytes:
        length = self._environ.get("CONTENT_LENGTH") or "0"
        if int(length) > BODY_BYTES:
            raise ProblemError(
                413,
                "too-large",
                f"a body may have {BODY_BYTES} bytes",
                "send what the supervisor needs, not the job",
            )
        return bytes(self._environ["wsgi.input"].read(int(length)))


@dataclass(frozen=True, slots=True)
class Answer:
    """stream: instead of a body, what is sent bit by bit; closed in the end."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    stream: Iterable[bytes] | None = None


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """An answer for which the deciding thread must look once: so that several can be asked for at once.

    then: makes the answer of what was seen; raises ProblemError. unknown: what is not known where nothing was seen in time.
    """

    facts: Sequence[Event]
    look: Callable[[View], T]
    then: Callable[[T], Answer]
    unknown: str = ""


def as_json(status: int, content: object, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(status, json.dumps(content).encode(), (*_JSON, *headers))


def as_problem(error: ProblemError) -> Answer:
    return Answer(error.status, error.body(), (("Content-Type", CONTENT_TYPE), *error.headers))


def send(answer: Answer, is_head: bool, start_response: StartResponse) -> Iterable[bytes]:
    """Hand an answer over to the server."""
    start_response(*head(answer))
    if answer.stream is not None:
        return answer.stream
    return () if is_head or not answer.body else (answer.body,)


def head(answer: Answer) -> tuple[str, list[tuple[str, str]]]:
    """Return the status line and the headers."""
    headers = [*answer.headers, ("Cache-Control", "no-store")]
    if answer.stream is None and answer.status != HTTPStatus.NO_CONTENT:
        headers.append(("Content-Length", str(len(answer.body))))
    return _STATUS_LINES[answer.status], headers
