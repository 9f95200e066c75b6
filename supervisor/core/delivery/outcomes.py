"""What the app's answer, or its silence, means for a delivery: deleted, given back with a delay, or left alone."""

from __future__ import annotations

from math import ceil

from supervisor.core.changes import replace
from supervisor.core.effects import Level, note
from supervisor.core.instants import NEVER, Instant

from .diagnosis import Outcome, advise, failed
from .facts import DeliveryAnswered, DeliveryFailed, Failure
from .leases import delete
from .moves import Moved, about, move
from .orders import Order
from .readiness import not_ready
from .values import Deliveries, Delivery, Phase

# Where the job may still run, the message must not be visible at once.
_LEAST_DELAY_SECONDS = 1

# Says when to come again (RFC 9110, section 10.2.3).
_COME_LATER = (429, 503)

_NOT_HEARD = (Failure.REFUSED, Failure.CONNECT_TIMEOUT)


def answered(state: Deliveries, fact: DeliveryAnswered, now: Instant) -> Moved:
    """Take in an answer of the app's, with whatever status."""
    delivery = _heard_of(state, fact)
    if delivery is None:
        return state, ()
    state = replace(state, app=replace(state.app, tries=0))
    if fact.status in state.policy.success:
        return _succeeded(state, delivery, fact.status, now)
    seconds = state.policy.error_visibility
    if fact.retry_after is not None and fact.status in _COME_LATER:
        # A date in the past says "now".
        seconds = min(max(0, ceil(fact.retry_after)), state.policy.longest_retry_after)
    state, warned = _explain(state, fact.status)
    state, orders = _failed(state, delivery, fact.status, f"status {fact.status}", seconds, now)
    return state, (*orders, *warned)


def not_answered(state: Deliveries, fact: DeliveryFailed, now: Instant) -> Moved:
    """Take in that the app has not answered."""
    delivery = _heard_of(state, fact)
    if delivery is None:
        return state, ()
    why = f"{fact.kind.value}: {fact.detail}" if fact.detail else fact.kind.value
    if fact.kind in _NOT_HEARD:
        return _not_heard(state, delivery, fact.kind, why, now)
    seconds = state.policy.error_visibility
    match fact.kind:
        case Failure.INACTIVE:
            # A closed connection does not stop the job: it may go on for as long as it likes.
            seconds = _not_at_once(state.policy.inactive_visibility)
        case Failure.CUT:
            seconds = _not_at_once(seconds)
        case _:
            pass
    return _failed(state, delivery, fact.kind, why, seconds, now)


def _heard_of(state: Deliveries, fact: DeliveryAnswered | DeliveryFailed) -> Delivery | None:
    delivery = state.open.get(fact.delivery)
    started = (Phase.DELIVERING, Phase.LOST, Phase.ABANDONED)
    return delivery if delivery is not None and delivery.phase in started else None


def _succeeded(state: Deliveries, delivery: Delivery, status: int, now: Instant) -> Moved:
    told = note(
        "delivery.done",
        Level.INFO,
        **about(delivery),
        status=status,
        seconds=round(now - delivery.started_at, 3),
        bytes=delivery.received.size,
    )
    # What was abandoned has been named; of any other the clock names a lease that is over.
    is_lost = delivery.is_lost or (delivery.phase is Phase.ABANDONED and delivery.lease_until <= now)
    # Nothing is waited for: an extension that is on its way does not hinder the delete.
    is_late = delivery.lease_until <= now
    done = replace(delivery, call=None, tries=0, retry_at=now if is_late else NEVER, is_lost=is_lost)
    state, orders = move(replace(state, watch=None), done, Phase.SUCCEEDED, "the app succeeded")
    if is_late:
        return state, (told, *orders)
    # Not by way of the clock, which would be asked about every other delivery too.
    state, more = delete(state, state.open[delivery.id], now)
    return state, (told, *orders, *more)


def _failed(
    state: Deliveries, delivery: Delivery, outcome: Outcome, why: str, seconds: int | None, now: Instant
) -> Moved:
    told = note(
        "delivery.failed",
        Level.WARNING,
        **about(delivery),
        why=why,
        seconds=round(now - delivery.started_at, 3),
        bytes=delivery.received.size,
        back_in=seconds,
    )
    state, advice = _watched(state, outcome)
    state, orders = _put_back(state, delivery, seconds)
    return state, (told, *orders, *advice)


def _put_back(state: Deliveries, delivery: Delivery, seconds: int | None) -> Moved:
    if delivery.is_lost:
        return move(state, delivery, Phase.ENDED, "failed after its lease was lost")
    back = replace(delivery, tries=0, retry_at=Instant(0.0), give_back=seconds or 0)
    state, orders = move(state, back, Phase.FAILED, "the app failed")
    if seconds is not None:
        return state, orders
    state, more = move(state, state.open[delivery.id], Phase.ENDED, "left to its lease")
    return state, (*orders, *more)


def _not_heard(state: Deliveries, delivery: Delivery, kind: Failure, why: str, now: Instant) -> Moved:
    """Give back what the app does not know of, and take nothing more until it can be talked to."""
    state, advice = _watched(state, kind)
    state, news = not_ready(state, why, now)
    if delivery.is_lost:
        state, orders = _put_back(state, delivery, None)
        return state, (*orders, *news, *advice)
    # On the way out nobody here would receive it again, so another task may have it at once.
    seconds = _LEAST_DELAY_SECONDS if state.flow.allowed else 0
    back = replace(delivery, give_back=seconds, is_patient=True, tries=0, retry_at=Instant(0.0))
    state, orders = move(state, back, Phase.RETURNED, "the app cannot be reached")
    return state, (*orders, *news, *advice)


def _watched(state: Deliveries, outcome: Outcome) -> tuple[Deliveries, tuple[Order, ...]]:
    watch, advice = failed(state.watch, outcome)
    state = replace(state, watch=watch)
    if advice is None:
        return state, ()
    text = str(outcome) if isinstance(outcome, int) else outcome.value
    told = note("deliveries.all_fail", Level.ERROR, outcome=text, likely=advice.likely, fix=advice.fix)
    return state, (told,)


def _explain(state: Deliveries, status: int) -> tuple[Deliveries, tuple[Order, ...]]:
    """Say once what an answer means that looks like no failure at all."""
    if not 200 <= status < 400 or status in state.warned:
        return state, ()
    advice = advise(status)
    told = note("delivery.strange_answer", Level.WARNING, status=status, likely=advice.likely, fix=advice.fix)
    return replace(state, warned=state.warned | {status}), (told,)


def _not_at_once(seconds: int | None) -> int | None:
    return None if seconds is None else max(_LEAST_DELAY_SECONDS, seconds)
