"""When time alone changes something for one delivery, as far as that can be told from the delivery itself."""

from __future__ import annotations

from supervisor.core.instants import NEVER, Instant

from .values import DELETING, GOING_BACK, LEASED, Delivery


def due_at(delivery: Delivery) -> Instant:
    """Return the first of the instants below."""
    return min(lapses_at(delivery), beats_at(delivery), deletes_at(delivery))


def lapses_at(delivery: Delivery) -> Instant:
    """Return when the lease is over by the clock, where that changes anything and no answer is awaited."""
    matters = delivery.phase in (*LEASED, *GOING_BACK) and not delivery.is_lost
    return delivery.lease_until if matters and delivery.call is None else NEVER


def beats_at(delivery: Delivery) -> Instant:
    """Return when to extend the lease."""
    wanted = delivery.phase in LEASED and not delivery.is_lost
    return delivery.beat_at if wanted and delivery.call is None else NEVER


def deletes_at(delivery: Delivery) -> Instant:
    """Return when to delete the message."""
    return delivery.retry_at if delivery.phase in DELETING and delivery.call is None else NEVER
