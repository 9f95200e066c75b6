"""The one place where a delivery changes its phase, and all that goes with a change whoever makes it."""

from __future__ import annotations

from supervisor.core.changes import replace
from supervisor.core.edges import check_move
from supervisor.core.effects import Level, Note, note
from supervisor.core.events import HoldReleased
from supervisor.core.instants import Instant

from . import timers
from .names import hold_of
from .orders import Forget, Order
from .values import CLAIMED, DELETED, EDGES, GOING_BACK, Deliveries, Delivery, Phase

Moved = tuple[Deliveries, tuple[Order, ...]]

# After one of these, what follows in its FIFO group may not begin here.
_DISTURBED = (*GOING_BACK, Phase.LOST, Phase.ABANDONED)


def put(state: Deliveries, delivery: Delivery) -> Deliveries:
    """Keep a delivery as it is now, in its place."""
    open_ = dict(state.open)
    known = open_.get(delivery.id)
    open_[delivery.id] = delivery
    # The one that changed can only bring the next instant nearer; one that lost its meaning costs one look at the clock.
    next_at = min(state.next_at, timers.due_at(delivery))
    if known is not None and known.phase is delivery.phase:
        return replace(state, open=open_, next_at=next_at)
    return replace(state, open=open_, next_at=next_at, counts=_counted(state, known, delivery.phase))


def move(state: Deliveries, delivery: Delivery, phase: Phase, because: str) -> Moved:
    """Change the phase: let go of the hold, forget what has ended, keep the order of a FIFO group."""
    check_move(EDGES, delivery.phase, phase, because)
    orders: tuple[Order, ...] = ()
    if phase is Phase.ENDED:
        rest = dict(state.open)
        known = rest.pop(delivery.id)
        ended = {**state.ended, because: state.ended.get(because, 0) + 1}
        state = replace(state, open=rest, ended=ended, counts=_counted(state, known, None))
        orders = (Forget(delivery.id),)
    else:
        state = put(state, replace(delivery, phase=phase))
    if delivery.phase in CLAIMED and phase not in CLAIMED:
        orders = (*orders, HoldReleased(hold_of(delivery.id)))
    if phase in _DISTURBED or (phase is Phase.ENDED and because != DELETED):
        state, more = _hand_back_followers(state, delivery)
        return state, (*orders, *more)
    return state, orders


def hand_back(state: Deliveries, delivery: Delivery, because: str, seconds: int = 0) -> Moved:
    """Begin to give back what has not begun; it may wait until no poll of ours would take it straight away again."""
    back = replace(delivery, give_back=seconds, is_patient=True, tries=0, retry_at=Instant(0.0))
    return move(state, back, Phase.RETURNED, because)


def lose(state: Deliveries, delivery: Delivery, why: str, now: Instant) -> Moved:
    """Do what follows when a message is not ours any more, or perhaps not: by SQS's word, or because the lease is over."""
    match delivery.phase:
        case Phase.RECEIVED | Phase.AWAITING:
            told = note("delivery.lapsed", Level.WARNING, **about(delivery), why=why)
            state, orders = move(state, delivery, Phase.ENDED, "its lease ended before it began")
            return state, (*orders, told)
        case Phase.DELIVERING:
            state, told = _name_duplicate(state, delivery, why, now)
            lost = replace(delivery, is_lost=True)
            state, orders = move(state, lost, Phase.LOST, "its lease was lost")
            return state, (*orders, told)
        case Phase.SUCCEEDED:
            # The job is done: one more try to delete the message, at once.
            state, told = _name_duplicate(state, delivery, why, now)
            return put(state, replace(delivery, is_lost=True, retry_at=now)), (told,)
        case Phase.OUTDATED:
            return move(state, delivery, Phase.ENDED, "not deleted while its lease lasted")
        case Phase.FAILED | Phase.RETURNED:
            return move(state, delivery, Phase.ENDED, "left to its lease")
        case _:
            return put(state, replace(delivery, is_lost=True)), ()


def deleted(state: Deliveries, delivery: Delivery, now: Instant) -> Moved:
    """End what is deleted. SQS also says so of a message that somebody else has received and deleted since."""
    orders: tuple[Order, ...] = ()
    if delivery.phase is Phase.SUCCEEDED and not delivery.is_lost and delivery.lease_until <= now:
        state, told = _name_duplicate(state, delivery, "it was deleted when its lease had ended", now)
        orders = (told,)
    state, more = move(state, delivery, Phase.ENDED, DELETED)
    return state, (*orders, *more)


def not_deleted(state: Deliveries, delivery: Delivery, why: str, now: Instant) -> Moved:
    """Give up on a delete."""
    orders: tuple[Order, ...] = ()
    if delivery.phase is Phase.SUCCEEDED and not delivery.is_lost:
        state, told = _name_duplicate(state, delivery, why, now)
        orders = (told,)
    state, more = move(state, delivery, Phase.ENDED, "not deleted while its lease lasted")
    return state, (*orders, *more)


def about(delivery: Delivery) -> dict[str, str | int]:
    """Return what every line about a delivery says."""
    return {
        "message": delivery.received.message,
        "queue": delivery.queue,
        "receives": delivery.received.receives,
    }


def _counted(state: Deliveries, known: Delivery | None, phase: Phase | None) -> dict[Phase, int]:
    counts = dict(state.counts)
    if known is not None:
        counts[known.phase] -= 1
    if phase is not None:
        counts[phase] += 1
    return counts


def _name_duplicate(state: Deliveries, delivery: Delivery, why: str, now: Instant) -> tuple[Deliveries, Note]:
    seconds = round(now - delivery.started_at, 3)
    told = note("delivery.possible_duplicate", Level.ERROR, **about(delivery), why=why, seconds=seconds)
    return replace(state, duplicates=state.duplicates + 1), told


def _hand_back_followers(state: Deliveries, first: Delivery) -> Moved:
    if not state.queues[first.queue].policy.is_fifo:
        return state, ()
    orders: tuple[Order, ...] = ()
    for id_ in tuple(state.open):
        each = state.open[id_]
        if each.phase is Phase.RECEIVED and is_behind(each, first):
            state, more = hand_back(state, each, "an earlier one of its group did not succeed")
            # Nobody gets it before the one that failed, so there is no poll to wait for.
            state = put(state, replace(state.open[id_], is_patient=False))
            orders = (*orders, *more)
    return state, orders


def is_behind(delivery: Delivery, first: Delivery) -> bool:
    """Say whether a delivery came from the same FIFO queue and group, and later."""
    return (
        delivery.queue == first.queue
        and delivery.received.group == first.received.group
        and delivery.number > first.number
    )
