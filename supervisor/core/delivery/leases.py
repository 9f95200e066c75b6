"""The lease on each message, and the calls to SQS that keep it, end it, or give it back.

A lease is extended when a third of it is over, a little sooner for each message by its own luck, so that two more tries
fit in before it ends. Calls about one delivery follow each other; an answer to any but the last is stale.
"""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.core.backoff import Backoff
from supervisor.core.changes import replace
from supervisor.core.effects import Level, note
from supervisor.core.instants import NEVER, Instant, after

from .facts import Deleted, DeleteFailed, Extended, ExtendFailed, Returned, ReturnFailed, Trouble
from .moves import Moved, about, deleted, lose, move, not_deleted, put
from .names import Call
from .orders import Delete, Extend, Order, Return
from .policy import LONGEST_VISIBILITY_SECONDS, MOST_AT_ONCE
from .values import (
    GOING_BACK,
    Deliveries,
    Delivery,
    Phase,
    farewell_at,
)

# Of the lease; two tries and their pauses fit into the rest.
_BEAT_SHARE = 1 / 3

# SQS counts its 12 hours from before our answer came, and refuses what goes beyond them by a second.
_LIMIT_MARGIN_SECONDS = 30.0

# What an extension must gain to be worth its call.
_LEAST_GAIN_SECONDS = 1.0

# Between two tries of one call; short, because a stop may be under way.
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0

# A message that cannot be given back comes back by itself when its lease ends.
_RETURN_TRIES = 5


def leased(state: Deliveries, delivery: Delivery, now: Instant) -> Delivery:
    """Begin the lease that a receive gives: SQS answers a poll the moment it has a message."""
    limit_at = after(now, LONGEST_VISIBILITY_SECONDS - _LIMIT_MARGIN_SECONDS)
    lease_until = after(now, state.policy.visibility_timeout)
    return _next_beat(state, replace(delivery, limit_at=limit_at, lease_until=lease_until), now)


def returns_at(state: Deliveries, delivery: Delivery) -> Instant:
    """Return when to give the message back: not while a poll of ours would only receive it again.

    Each receive counts, and sends a message nearer to the dead-letter queue.
    """
    if delivery.phase not in (*GOING_BACK, Phase.ABANDONED) or delivery.call is not None:
        return NEVER
    polled = any(poll.queue == delivery.queue for poll in state.polls.values())
    if not delivery.is_patient or not polled:
        return delivery.retry_at
    shut_until = state.pause_until if state.flow.allowed and state.app.is_ready else NEVER
    return max(delivery.retry_at, min(shut_until, farewell_at(state)))


def beat(state: Deliveries, delivery: Delivery, now: Instant) -> Moved:
    """Extend the lease, as far as SQS allows."""
    seconds = min(state.policy.visibility_timeout, int(delivery.limit_at - now))
    is_cut = seconds < state.policy.visibility_timeout
    if is_cut and after(now, seconds) < after(delivery.lease_until, _LEAST_GAIN_SECONDS):
        told = note("delivery.twelve_hours", Level.WARNING, **about(delivery))
        return put(state, replace(delivery, beat_at=NEVER)), (told,)
    delivery, call = _call(_next_beat(state, delivery, now), now, seconds)
    return put(state, delivery), (Extend(call, delivery.queue, seconds),)


def delete(state: Deliveries, delivery: Delivery, now: Instant) -> Moved:
    delivery, call = _call(delivery, now)
    return put(state, delivery), (Delete(call, delivery.queue),)


def give_back(state: Deliveries, due: list[Delivery], now: Instant) -> Moved:
    """Give messages back, as few calls as possible for each queue and delay."""
    orders: list[Order] = []
    batches: dict[tuple[str, int], list[Delivery]] = {}
    for delivery in due:
        # What SQS would refuse is cut; but not to nothing, because that would make it visible at once.
        seconds = delivery.give_back and max(1, min(delivery.give_back, int(delivery.limit_at - now)))
        batches.setdefault((delivery.queue, seconds), []).append(delivery)
    for (_, seconds), batch in batches.items():
        for few in _tens(batch):
            calls = []
            for delivery in few:
                called, call = _call(delivery, now)
                state = put(state, called)
                calls.append(call)
            orders.append(Return(tuple(calls), few[0].queue, seconds))
    return state, tuple(orders)


def answered(
    state: Deliveries,
    fact: Extended | ExtendFailed | Deleted | DeleteFailed | Returned | ReturnFailed,
    now: Instant,
) -> Moved:
    """Take in an answer of SQS; each delivery that it is about, for itself."""
    calls = fact.calls if isinstance(fact, Returned | ReturnFailed) else (fact.call,)
    orders: tuple[Order, ...] = ()
    unstarted: list[str] = []
    for call in calls:
        delivery = state.open.get(call.delivery)
        if delivery is None or delivery.call != call:
            continue
        if isinstance(fact, Returned) and delivery.phase is Phase.RETURNED:
            unstarted.append(delivery.received.message)
        state, more = _answered(state, replace(delivery, call=None), fact, now)
        orders = (*orders, *more)
    if unstarted:
        orders = (*orders, note("deliveries.handed_back", messages=tuple(unstarted)))
    return state, orders


def _answered(
    state: Deliveries,
    delivery: Delivery,
    fact: Extended | ExtendFailed | Deleted | DeleteFailed | Returned | ReturnFailed,
    now: Instant,
) -> Moved:
    match fact:
        case Extended():
            kept = replace(delivery, lease_until=after(delivery.asked_at, delivery.asked_seconds), missed=0)
            return put(state, _next_beat(state, kept, now)), ()
        case ExtendFailed():
            return _not_extended(state, delivery, fact, now)
        case Deleted():
            return deleted(state, delivery, now)
        case DeleteFailed(kind=kind, detail=detail):
            if delivery.is_lost or kind is Trouble.LOST:
                return not_deleted(state, delivery, detail or kind.value, now)
            told = note("delivery.not_deleted", Level.WARNING, **about(delivery), why=detail or kind.value)
            return put(state, _later(state, delivery, now)), (told,) if delivery.tries == 0 else ()
        case Returned() if delivery.phase is Phase.ABANDONED:
            return put(state, replace(delivery, retry_at=NEVER)), ()
        case Returned():
            return move(state, delivery, Phase.ENDED, "given back")
        case ReturnFailed():
            return _not_returned(state, delivery, fact, now)


def _not_extended(state: Deliveries, delivery: Delivery, fact: ExtendFailed, now: Instant) -> Moved:
    state = put(state, delivery)
    match fact.kind:
        case Trouble.LOST:
            return lose(state, delivery, fact.detail or fact.kind.value, now)
        case Trouble.LIMIT:
            told = note("delivery.twelve_hours", Level.WARNING, **about(delivery))
            return put(state, replace(delivery, beat_at=NEVER)), (told,)
        case _:
            missed = delivery.missed + 1
            told = note(
                "delivery.not_extended", Level.WARNING, **about(delivery), why=fact.detail or fact.kind.value
            )
            beat_at = after(now, _pause(state, delivery, missed))
            return put(state, replace(delivery, missed=missed, beat_at=beat_at)), (
                told,
            ) if missed == 1 else ()


def _not_returned(state: Deliveries, delivery: Delivery, fact: ReturnFailed, now: Instant) -> Moved:
    gone = fact.kind in (Trouble.LOST, Trouble.LIMIT) or delivery.tries + 1 >= _RETURN_TRIES
    if delivery.phase is Phase.ABANDONED:
        later = replace(delivery, retry_at=NEVER) if gone else _later(state, delivery, now)
        return put(state, later), ()
    if not gone:
        return put(state, _later(state, delivery, now)), ()
    told = note("delivery.not_returned", Level.WARNING, **about(delivery), why=fact.detail or fact.kind.value)
    state, orders = move(state, delivery, Phase.ENDED, "left to its lease")
    return state, (*orders, told)


def _call(delivery: Delivery, now: Instant, seconds: int = 0) -> tuple[Delivery, Call]:
    call = Call(delivery.id, delivery.calls + 1, delivery.received.receipt)
    called = replace(delivery, call=call, calls=call.number, asked_at=now, asked_seconds=seconds)
    return called, call


def _next_beat(state: Deliveries, delivery: Delivery, now: Instant) -> Delivery:
    if not state.policy.keeps_leases:
        return replace(delivery, beat_at=NEVER)
    share = state.policy.visibility_timeout * _BEAT_SHARE
    luck = Backoff(share, share, f"{state.policy.identity}/{delivery.id}")
    return replace(delivery, beat_at=after(now, luck.delay(delivery.calls + 1)))


def _later(state: Deliveries, delivery: Delivery, now: Instant) -> Delivery:
    tries = delivery.tries + 1
    return replace(delivery, tries=tries, retry_at=after(now, _pause(state, delivery, tries)))


def _pause(state: Deliveries, delivery: Delivery, tries: int) -> float:
    # No longer than a sixth of the lease, so that a short one gets its tries as well.
    longest = min(_LONGEST_PAUSE_SECONDS, state.policy.visibility_timeout / 6)
    first = min(_FIRST_PAUSE_SECONDS, longest)
    return Backoff(first, longest, f"{state.policy.identity}/{delivery.id}").delay(tries)


def _tens(batch: list[Delivery]) -> Iterator[list[Delivery]]:
    return (batch[start : start + MOST_AT_ONCE] for start in range(0, len(batch), MOST_AT_ONCE))
