"""Keeps each message under the name of its delivery, from its receipt until nobody needs it any more."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from supervisor.adapters.sqs.message import Message
from supervisor.core.delivery.facts import Received
from supervisor.core.delivery.names import DeliveryId, QueueName

_FIFO = ".fifo"


class Mailbox:
    """May be used by any number of threads. wall: seconds since the epoch; SQS counts by its own clock, so an age is about right."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._numbers = count(1)
        self._kept: dict[DeliveryId, tuple[QueueName, Message]] = {}

    def keep(self, queue: QueueName, message: Message) -> Received:
        """Keep a message; return what there is to decide by."""
        # One step of the interpreter, so that no two threads get the same.
        delivery = DeliveryId(f"{next(self._numbers)}")
        self._kept[delivery] = queue, message
        first = message.received_first_ms
        return Received(
            delivery,
            message.id,
            message.receipt,
            # Standard queues have groups too, which say nothing about order.
            group=message.group if queue.endswith(_FIFO) else None,
            receives=message.receive_count,
            age=0.0 if first is None else max(0.0, self._wall() - first / 1000),
            size=len(message.body.encode(errors="surrogatepass")),
        )

    def find(self, delivery: DeliveryId) -> tuple[QueueName, Message] | None:
        return self._kept.get(delivery)

    def forget(self, delivery: DeliveryId) -> None:
        self._kept.pop(delivery, None)
