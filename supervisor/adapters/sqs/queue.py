"""One queue: receive, delete, change how long messages stay invisible, ask for its attributes, send.

No exception leaves this module: a call returns what was asked for, or the Trouble in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

from .client import Clients
from .message import Message, read_message
from .trouble import Kind, Trouble, from_code, from_error

T = TypeVar("T")

# SQS takes 1 to 10 messages or entries a call.
MOST_AT_ONCE = 10

_OK = 200


@dataclass(frozen=True, slots=True)
class Received:
    """What a poll brought; nothing, where its wait passed."""

    messages: tuple[Message, ...]


class Queue:
    """May be used by any number of threads."""

    def __init__(self, clients: Clients, url: str) -> None:
        self._clients = clients
        self.url = url
        self.name = url.rstrip("/").rpartition("/")[2]
        # MessageGroupId says nothing: standard queues have it too (fair queues).
        self.is_fifo = self.name.endswith(".fifo")

    def receiver(self) -> Receiver:
        """Return something to poll with, for one thread."""
        return Receiver(self._clients, self.url, self.is_fifo)

    def delete(self, receipt: str) -> Trouble | None:
        """Delete a message; return None when that is done."""
        return self._act("DeleteMessage", {"ReceiptHandle": receipt})

    def delete_many(self, receipts: Sequence[str]) -> tuple[Trouble | None, ...]:
        """Delete messages; return for each, in this order, None or what went wrong with it."""
        return self._batches("DeleteMessageBatch", [{"ReceiptHandle": receipt} for receipt in receipts])

    def change_visibility(self, receipt: str, seconds: int) -> Trouble | None:
        """Let a message come back so many seconds from now, at once with 0; return None when that is done."""
        return self._act("ChangeMessageVisibility", {"ReceiptHandle": receipt, "VisibilityTimeout": seconds})

    def change_visibility_many(self, changes: Sequence[tuple[str, int]]) -> tuple[Trouble | None, ...]:
        """As `change_visibility` for each receipt and its seconds; the answers are in the same order."""
        entries = [{"ReceiptHandle": receipt, "VisibilityTimeout": seconds} for receipt, seconds in changes]
        return self._batches("ChangeMessageVisibilityBatch", entries)

    def attributes(self) -> Mapping[str, str] | Trouble:
        """Return all attributes of the queue, as SQS writes them."""
        return _attempt(
            lambda: dict(
                self._clients.rest.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"]).get(
                    "Attributes", {}
                )
            )
        )

    def send(
        self, body: str, attributes: Mapping[str, str], group: str | None = None, once: str | None = None
    ) -> Trouble | None:
        """Send a message with text attributes. group, once: for FIFO; of two with the same `once` the second is dropped."""
        fifo = {"MessageGroupId": group, "MessageDeduplicationId": once}
        outcome = _attempt(
            lambda: self._clients.rest.send_message(
                QueueUrl=self.url,
                MessageBody=body,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()
                },
                **{name: value for name, value in fifo.items() if value is not None},
            )
        )
        return outcome if isinstance(outcome, Trouble) else None

    def _act(self, action: str, asked: Mapping[str, Any]) -> Trouble | None:
        outcome = self._clients.acts(action, {"QueueUrl": self.url, **asked})
        return outcome if isinstance(outcome, Trouble) else None

    def _batches(self, action: str, entries: Sequence[Mapping[str, Any]]) -> tuple[Trouble | None, ...]:
        numbered = [{"Id": str(at), **entry} for at, entry in enumerate(entries)]
        return tuple(
            answer
            for first in range(0, len(numbered), MOST_AT_ONCE)
            for answer in self._batch(action, numbered[first : first + MOST_AT_ONCE])
        )

    def _batch(self, action: str, batch: list[dict[str, Any]]) -> Iterator[Trouble | None]:
        answer = self._clients.acts(action, {"QueueUrl": self.url, "Entries": batch})
        if isinstance(answer, Trouble):
            yield from (answer for _ in batch)
            return
        done = {entry["Id"] for entry in answer.get("Successful") or ()}
        failed = {entry["Id"]: entry for entry in answer.get("Failed") or ()}
        for entry in batch:
            if entry["Id"] in done:
                yield None
            elif (told := failed.get(entry["Id"])) is not None:
                yield from_code(str(told.get("Code", "")), str(told.get("Message", "")), _OK)
            else:
                yield Trouble(Kind.OTHER, "NotAnswered", "SQS did not say what became of this entry", True)


class Receiver:
    """Polls a queue, from one thread."""

    def __init__(self, clients: Clients, url: str, is_fifo: bool) -> None:
        self._clients = clients
        self._url = url
        self._is_fifo = is_fifo
        self._attempt_id: str | None = None

    def receive(self, most: int, wait_seconds: int, visibility_seconds: int) -> Received | Trouble:
        """Return at most so many messages (1 to 10), each invisible to others for so long; wait for the first of them.

        Never give it up before its time: the service goes on with a poll whose client has gone, and its messages stay
        invisible without anybody knowing of them.
        """
        asked: dict[str, Any] = {
            "QueueUrl": self._url,
            "MaxNumberOfMessages": most,
            "WaitTimeSeconds": wait_seconds,
            "VisibilityTimeout": visibility_seconds,
            "MessageAttributeNames": ["All"],
            "MessageSystemAttributeNames": ["All"],
        }
        if self._is_fifo:
            # Where the answer was lost, the same attempt gets the same messages again (for five minutes, if none of them
            # has changed); without it their groups would be locked until the visibility timeout has passed.
            self._attempt_id = self._attempt_id or uuid4().hex
            asked["ReceiveRequestAttemptId"] = self._attempt_id
        answer = self._clients.polls("ReceiveMessage", asked)
        outcome = answer if isinstance(answer, Trouble) else _attempt(partial(_read, answer))
        if not (isinstance(outcome, Trouble) and outcome.maybe_done):
            self._attempt_id = None
        return outcome


def _read(answer: Mapping[str, Any]) -> Received:
    return Received(tuple(read_message(told) for told in answer.get("Messages") or ()))


def _attempt(call: Callable[[], T]) -> T | Trouble:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - the contract of this module; an answer can be wrong in any way
        return from_error(error)
