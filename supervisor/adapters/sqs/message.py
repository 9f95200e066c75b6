"""One received message as a value, read from what SQS answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import md5
from typing import Any


@dataclass(frozen=True, slots=True)
class Attribute:
    """kind: SQS's data type, as `String` or `Number.int`. text: None for a binary one."""

    name: str
    kind: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """receipt: the handle of this receive, good for no other one. received_first_ms, sent_ms: since the epoch.

    is_damaged: the body is not the one that SQS says it sent. group: the FIFO message group; standard queues have them too.
    Fields that the service did not send are None; a receive count that is missing is 1.
    """

    id: str
    receipt: str
    body: str
    is_damaged: bool
    receive_count: int
    received_first_ms: int | None
    sent_ms: int | None
    sender: str | None
    group: str | None
    trace: str | None
    attributes: tuple[Attribute, ...]


def read_message(told: Mapping[str, Any]) -> Message:
    """Return the message. told: an entry of ReceiveMessage's `Messages`."""
    system: Mapping[str, str] = told.get("Attributes") or {}
    body = str(told.get("Body", ""))
    return Message(
        id=str(told["MessageId"]),
        receipt=str(told["ReceiptHandle"]),
        body=body,
        is_damaged=_is_damaged(body, told.get("MD5OfBody")),
        receive_count=_number(system.get("ApproximateReceiveCount")) or 1,
        received_first_ms=_number(system.get("ApproximateFirstReceiveTimestamp")),
        sent_ms=_number(system.get("SentTimestamp")),
        sender=system.get("SenderId"),
        group=system.get("MessageGroupId"),
        trace=system.get("AWSTraceHeader"),
        attributes=tuple(
            Attribute(name, str(value.get("DataType", "")), value.get("StringValue"))
            for name, value in (told.get("MessageAttributes") or {}).items()
        ),
    )


def _is_damaged(body: str, digest: str | None) -> bool:
    if digest is None:
        return False
    return md5(body.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest() != digest


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() else None
