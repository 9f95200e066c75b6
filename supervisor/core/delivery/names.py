"""The names by which deliveries are told apart, and what both a call to SQS and its answer carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from supervisor.core.names import HolderId, HoldId

# As the configuration names it; which address that is, the adapter knows.
QueueName = NewType("QueueName", str)
# One receive of one message. Whoever received it makes the name, and keeps the body under it until Forget.
DeliveryId = NewType("DeliveryId", str)
# Counts the polls, from 1.
PollId = NewType("PollId", int)

HOLDER = HolderId("sqsd")
# Held as one who only looks for work while SQS has an answer or a message of ours to come.
QUEUE_HOLD = HoldId("sqsd/queue")

_PREFIX = "sqsd/delivery/"


@dataclass(frozen=True, slots=True)
class Call:
    """One call to SQS about one delivery; an answer that carries another number than the last is stale.

    receipt: the handle of the latest receive; deleting with an older one succeeds and deletes nothing.
    """

    delivery: DeliveryId
    number: int
    receipt: str


def hold_of(delivery: DeliveryId) -> HoldId:
    """Name the hold under which a delivery counts as work in flight."""
    return HoldId(_PREFIX + delivery)


def delivery_of(hold: HoldId) -> DeliveryId | None:
    """Return the delivery that a hold is about; None where it is somebody else's."""
    return DeliveryId(hold.removeprefix(_PREFIX)) if hold.startswith(_PREFIX) else None
