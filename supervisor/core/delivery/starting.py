"""How a delivery begins: received, let in or sent back, asked for as a hold, and then given to the app."""

from __future__ import annotations

from supervisor.core.backoff import Backoff
from supervisor.core.changes import replace
from supervisor.core.effects import Level, note
from supervisor.core.events import HoldTaken
from supervisor.core.instants import NEVER, Instant, after

from .facts import Received, StartGranted, StartRefused
from .leases import leased
from .moves import Moved, about, hand_back, is_behind, move, put
from .names import HOLDER, QueueName, hold_of
from .orders import Deliver, Forget, Order
from .policy import MOST_AT_ONCE
from .values import (
    CLAIMED,
    DELETING,
    GOING_BACK,
    RUNNING,
    SETTLING,
    UNSTARTED,
    Deliveries,
    Delivery,
    Phase,
    count,
)

# After a refusal of protection, so that no message is received over and over.
_FIRST_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 60.0


def received(
    state: Deliveries, queue: QueueName, messages: tuple[Received, ...], now: Instant, leased_at: Instant
) -> Moved:
    """Take in what a poll has brought. leased_at: since when it is ours."""
    orders: tuple[Order, ...] = ()
    for message in messages:
        state, more = _received(state, queue, message, now, leased_at)
        orders = (*orders, *more)
    return state, orders


def free_slots(state: Deliveries) -> int:
    """Return how many messages may be asked for.

    What is settling takes no slot, so that the next message need not wait for a delete; unless SQS has so many to answer
    for that it must be in trouble. As many as go into one call are not many.
    """
    slots, settling = state.policy.slots, count(state, SETTLING)
    if settling > max(slots, MOST_AT_ONCE):
        return 0
    asked = sum([poll.most for poll in state.polls.values()])
    return max(0, slots - _held(state, settling) - asked)


def is_room_to_run(state: Deliveries) -> bool:
    """Say whether a connection is free."""
    return count(state, RUNNING) < state.policy.connections


def may_start(state: Deliveries, delivery: Delivery, now: Instant) -> bool:
    """Say whether it is a message's turn, where a connection is free: it is still ours, and the first of its FIFO group."""
    is_ours = delivery.lease_until > now
    if not state.queues[delivery.queue].policy.is_fifo:
        return is_ours
    return is_ours and not any(
        is_behind(delivery, first) and first.phase not in GOING_BACK for first in state.open.values()
    )


def ask(state: Deliveries, delivery: Delivery) -> Moved:
    """Ask as every holder does that must not begin unprotected; the answer is StartGranted or StartRefused."""
    of = delivery.received
    text = f"{of.message} from {delivery.queue}, receive {of.receives}"
    state, orders = move(state, delivery, Phase.AWAITING, "a connection is free")
    return state, (*orders, HoldTaken(hold_of(delivery.id), HOLDER, text, asks=True))


def granted(state: Deliveries, fact: StartGranted, now: Instant) -> Moved:
    delivery = state.open.get(fact.delivery)
    if delivery is None or delivery.phase is not Phase.AWAITING:
        # It was handed back meanwhile, and its hold let go.
        return state, ()
    state = replace(state, refusals=0)
    state, orders = move(state, replace(delivery, started_at=now), Phase.DELIVERING, "granted")
    return state, (*orders, Deliver(delivery.id))


def refused(state: Deliveries, fact: StartRefused, now: Instant) -> Moved:
    delivery = state.open.get(fact.delivery)
    if delivery is None or delivery.phase is not Phase.AWAITING:
        return state, ()
    return turn_away(state, delivery, "protection was refused", now)


def turn_away(state: Deliveries, delivery: Delivery, because: str, now: Instant) -> Moved:
    """Hand back what waited to be let in, and pause: where nobody is let in, a message is received again and again.

    A task that goes quiet because its protection was refused is welcome again as soon as nothing waits in it.
    """
    refusals = state.refusals + 1
    pause = Backoff(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS, state.policy.identity)
    state = replace(state, refusals=refusals, pause_until=after(now, pause.delay(refusals)))
    return hand_back(state, delivery, because)


def _received(
    state: Deliveries, queue: QueueName, message: Received, now: Instant, leased_at: Instant
) -> Moved:
    if message.delivery in state.open:
        return state, ()
    if (twin := _twin(state, queue, message)) is not None:
        return _again(state, twin, message, now, leased_at)
    number = state.received + 1
    fresh = Delivery(message.delivery, number, queue, message, limit_at=now, lease_until=now)
    is_room = (
        _held(state, count(state, SETTLING)) + sum([poll.most for poll in state.polls.values()])
        < state.policy.slots
    )
    state = put(replace(state, received=number), leased(state, fresh, leased_at))
    delivery = state.open[message.delivery]
    if not is_room:
        return hand_back(state, delivery, "more than was asked for")
    retention = state.policy.retention
    if retention is not None and message.age >= retention and state.flow.allowed:
        told = note("delivery.outdated", Level.WARNING, **about(delivery), age=round(message.age))
        outdated = replace(delivery, retry_at=now)
        state, orders = move(state, outdated, Phase.OUTDATED, "older than the retention period")
        return state, (told, *orders)
    return state, ()


def _again(
    state: Deliveries, delivery: Delivery, message: Received, now: Instant, leased_at: Instant
) -> Moved:
    """Keep the newer receipt of a message that is with us already: its lease is the one that counts."""
    # What was asked with the older receipt is void: a delete is asked again, and so is a shorter lease for one that was
    # abandoned, where there was one.
    is_due = delivery.phase in DELETING or (delivery.phase is Phase.ABANDONED and delivery.give_back > 0)
    newer = replace(
        delivery,
        received=replace(message, delivery=delivery.id),
        call=None,
        is_lost=False,
        missed=0,
        tries=0,
        retry_at=now if is_due else NEVER,
    )
    newer = leased(state, newer, leased_at)
    told = note("delivery.received_again", Level.WARNING, **about(newer))
    orders: tuple[Order, ...] = (Forget(message.delivery), told)
    if newer.phase is not Phase.LOST:
        return put(state, newer), orders
    state, more = move(state, newer, Phase.DELIVERING, "received again while it runs")
    return state, (*orders, *more)


def _twin(state: Deliveries, queue: QueueName, message: Received) -> Delivery | None:
    """Find the same message where it is wanted here; one that goes back already is let go."""
    for delivery in state.open.values():
        same = delivery.queue == queue and delivery.received.message == message.message
        if same and delivery.phase in (*UNSTARTED, *CLAIMED, Phase.OUTDATED):
            return delivery
    return None


def _held(state: Deliveries, settling: int) -> int:
    """Count the messages that take a slot: all but those that SQS has been told to take back or to delete."""
    if count(state, GOING_BACK):
        # An extension that is under way has to be answered before a message can be given back.
        settling -= sum(
            each.phase in GOING_BACK and each.call is not None and each.asked_seconds > 0
            for each in state.open.values()
        )
    return len(state.open) - settling
