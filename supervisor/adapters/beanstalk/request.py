"""Turns a message into the HTTP request that Elastic Beanstalk's daemon would make of it. Pure.

Web frameworks have middleware that decides by these headers whether a request is a job at all, so their names and formats
are a contract. Nothing of a message may become a header of its own: whoever may send to the queue chooses the values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from supervisor.adapters.sqs.message import Attribute, Message
from supervisor.config.periodic_message import CONTROL_PREFIX, wrong_path

from .periodic import Periodic, read_periodic, utc_stamp

_ATTRIBUTE_PREFIX = "X-Aws-Sqsd-Attr-"

# The strictest of the common servers, Node's, refuses a longer head; SQS allows ten attributes of any size.
LONGEST_HEAD_BYTES = 16 * 1024

# What SQS allows; all of it may stand in the name of a header (RFC 9110, 5.6.2).
_NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.")

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]").search

Header = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Style:
    """How requests look apart from the message; every text is one that may stand in a header.

    forwarded_proto: None leaves that header out. takes_periodic: whether messages may choose their path, as periodic
    tasks do; without, their control attributes are ignored.
    """

    path: str
    mime_type: str
    user_agent: str
    host: str
    forwarded_proto: str | None
    takes_periodic: bool


@dataclass(frozen=True, slots=True)
class Request:
    """headers: in the order in which they are sent."""

    method: str
    path: str
    headers: tuple[Header, ...]
    body: bytes

    def head(self) -> bytes:
        """Return everything before the body."""
        lines = [f"{self.method} {self.path} HTTP/1.1".encode()]
        lines += [name.encode() + b": " + value for name, value in self.headers]
        return b"\r\n".join((*lines, b"", b""))


@dataclass(frozen=True, slots=True)
class Dropped:
    """An attribute that was not passed on."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Mapped:
    request: Request
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True)
class Unmappable:
    """There is no request that could be made of the message."""

    why: str


def make_request(message: Message, queue_name: str, style: Style) -> Mapped | Unmappable:
    """Return the request, and what of the message is not in it."""
    if message.is_damaged:
        return Unmappable("its body is not what was sent: the checksum differs")
    control = {
        attribute.name: attribute.text
        for attribute in message.attributes
        if _is_control(attribute) and attribute.text is not None
    }
    periodic = read_periodic(control) if style.takes_periodic else None
    path = style.path if periodic is None or periodic.path is None else periodic.path
    if (wrong := wrong_path(path)) is not None:
        return Unmappable(f"the path {path!r} of its periodic task cannot be asked for: {wrong}")
    dropped: list[Dropped] = []
    body = b"" if periodic is not None else message.body.encode(errors="surrogatepass")
    fixed = tuple(_presentable(_fixed(message, queue_name, style, path, periodic, len(body)), dropped))
    passed = tuple(_passed(message.attributes, dropped))
    request = Request("POST", path, fixed + passed, body)
    while passed and len(request.head()) > LONGEST_HEAD_BYTES:
        largest = max(passed, key=_size)
        passed = tuple(header for header in passed if header is not largest)
        request = replace(request, headers=fixed + passed)
        dropped.append(
            Dropped(largest[0].removeprefix(_ATTRIBUTE_PREFIX), "the headers are too long for servers")
        )
    return Mapped(request, tuple(dropped))


def make_check(path: str, host: str, user_agent: str, forwarded_proto: str | None) -> Request:
    """Return the request that asks for the application's health. user_agent: not the daemon's, or it would be taken for a job."""
    headers = (
        ("Host", host),
        ("User-Agent", user_agent),
        ("X-Forwarded-Proto", forwarded_proto),
        ("Connection", "close"),
    )
    return Request(
        "GET", path, tuple((name, text.encode()) for name, text in headers if text is not None), b""
    )


def _fixed(
    message: Message, queue_name: str, style: Style, path: str, periodic: Periodic | None, length: int
) -> tuple[tuple[str, str | None], ...]:
    """Return the headers that do not come from attributes; None leaves one out.

    Not among them, on purpose: X-Forwarded-For and its like make middleware believe that the request comes from elsewhere,
    and a chunked body (Transfer-Encoding) is refused by most of it.
    """
    return (
        ("Host", style.host),
        ("User-Agent", style.user_agent),
        ("Content-Type", style.mime_type),
        ("Content-Length", str(length)),
        ("X-Aws-Sqsd-Msgid", message.id),
        ("X-Aws-Sqsd-Queue", queue_name),
        ("X-Aws-Sqsd-Receive-Count", str(message.receive_count)),
        ("X-Aws-Sqsd-First-Received-At", _stamp(message.received_first_ms)),
        ("X-Aws-Sqsd-Sent-At", _stamp(message.sent_ms)),
        ("X-Aws-Sqsd-Sender-Id", message.sender),
        ("X-Aws-Sqsd-Path", path),
        ("X-Aws-Sqsd-Taskname", None if periodic is None else periodic.name),
        ("X-Aws-Sqsd-Scheduled-At", None if periodic is None else periodic.scheduled_at),
        ("X-Amzn-Trace-Id", message.trace),
        ("X-Forwarded-Proto", style.forwarded_proto),
        # Nothing is ambiguous about a connection that is used once.
        ("Connection", "close"),
    )


def _presentable(headers: tuple[tuple[str, str | None], ...], dropped: list[Dropped]) -> Iterator[Header]:
    for name, text in headers:
        if text is None:
            continue
        if _has_control(text):
            dropped.append(Dropped(name, "its value has control characters"))
        else:
            yield name, text.encode(errors="surrogatepass")


def _passed(attributes: tuple[Attribute, ...], dropped: list[Dropped]) -> Iterator[Header]:
    seen: set[str] = set()
    for attribute in attributes:
        if _is_control(attribute):
            continue
        if (why := _unfit(attribute, seen)) is not None:
            dropped.append(Dropped(attribute.name, why))
            continue
        seen.add(attribute.name.lower())
        # Python's own HTTP client could not: it takes every text for latin-1.
        yield _ATTRIBUTE_PREFIX + attribute.name, (attribute.text or "").encode(errors="surrogatepass")


def _is_control(attribute: Attribute) -> bool:
    return attribute.name.startswith(CONTROL_PREFIX)


def _unfit(attribute: Attribute, seen: set[str]) -> str | None:
    """Say why an attribute cannot be passed on, None where it can."""
    if attribute.text is None or not attribute.kind.startswith(("String", "Number")):
        return "it is binary"
    if not attribute.name or not _NAME_CHARACTERS.issuperset(attribute.name):
        return "its name cannot be a header's"
    if attribute.name.lower() in seen:
        return "another one has the same name but for its case"
    return "its value has control characters" if _has_control(attribute.text) else None


def _has_control(text: str) -> bool:
    """Say whether a text has control characters, those beyond ASCII included: each of them ends a line somewhere."""
    return _CONTROL(text) is not None


def _size(header: Header) -> int:
    return len(header[0]) + len(header[1])


def _stamp(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else utc_stamp(milliseconds // 1000)
