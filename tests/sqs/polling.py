"""Short ways to do with a queue what these tests do all the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from supervisor.adapters.sqs.client import Clients, make_clients
from supervisor.adapters.sqs.message import Message
from supervisor.adapters.sqs.queue import Queue, Received
from supervisor.adapters.sqs.trouble import Kind, Trouble

REGION = "eu-west-1"

# Threads that the tests of this directory poll with, and some to spare.
_CONNECTIONS = 16

MakeQueue = Callable[..., Queue]


def clients(url: str) -> Clients:
    """Return clients of the kind that the supervisor uses."""
    made = make_clients(REGION, url, wait_seconds=20, connections=_CONNECTIONS)
    assert isinstance(made, Clients)
    return made


def poll(queue: Queue, most: int = 10, wait: int = 0, visibility: int = 30) -> tuple[Message, ...]:
    """Receive once; fail where that did not work."""
    received = queue.receiver().receive(most, wait, visibility)
    assert isinstance(received, Received), received
    return received.messages


def one(queue: Queue, wait: int = 0, visibility: int = 30) -> Message:
    """Receive exactly one message."""
    (message,) = poll(queue, 1, wait, visibility)
    return message


def bodies(messages: tuple[Message, ...]) -> list[str]:
    return [message.body for message in messages]


def send(queue: Queue, *texts: str, group: str | None = None) -> None:
    """Send messages; on a FIFO queue each once."""
    for text in texts:
        once = text if queue.is_fifo else None
        assert queue.send(text, {}, group=group, once=once) is None


def kind(outcome: Any) -> Kind | None:
    """Return what kind of trouble there was, None where there was none."""
    return outcome.kind if isinstance(outcome, Trouble) else None


def attributes(queue: Queue) -> Mapping[str, str]:
    """Return the queue's attributes; fail where that did not work."""
    told = queue.attributes()
    assert not isinstance(told, Trouble), told
    return told
