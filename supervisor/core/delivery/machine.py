"""How the deliveries move: a fact is taken in, then what follows from it and from the clock is done."""

from __future__ import annotations

from math import ceil

from supervisor.core.changes import replace
from supervisor.core.effects import Level, note
from supervisor.core.events import HoldReleased, HoldTaken
from supervisor.core.instants import NEVER, Instant, earliest

from . import timers
from .facts import (
    AppReady,
    AppUnready,
    Deleted,
    DeleteFailed,
    DeliveryAnswered,
    DeliveryFailed,
    Extended,
    ExtendFailed,
    Fact,
    FlowIs,
    PollEnded,
    PollFailed,
    Returned,
    ReturnFailed,
    StartGranted,
    StartRefused,
)
from .leases import answered as sqs_answered
from .leases import beat, delete, give_back, returns_at
from .moves import Moved, hand_back, lose, move
from .names import HOLDER, QUEUE_HOLD
from .orders import Order
from .outcomes import answered, not_answered
from .polling import ended, poll, poll_failed, polls_at
from .readiness import check, checks_at, seen
from .starting import ask, granted, is_room_to_run, may_start, refused, turn_away
from .values import (
    GOING_BACK,
    SETTLING,
    UNSTARTED,
    Deliveries,
    Delivery,
    Phase,
    count,
    farewell_at,
    unwelcome,
)

# Between our exit and the instant at which the app can be believed to be gone: the kernel's and the network's.
_GONE_MARGIN_SECONDS = 5.0


def step(state: Deliveries, fact: Fact, now: Instant) -> Moved:
    """Take one fact in, then do what follows from it and from the clock."""
    waited = _waits_for_sqs(state)
    state, orders = _absorb(state, fact, now)
    state, more = _settle(state, now)
    orders = (*orders, *more)
    waits = _waits_for_sqs(state)
    # First and last, so that at no instant in between it looks as if nothing were in flight.
    if waits and not waited:
        orders = (HoldTaken(QUEUE_HOLD, HOLDER, "waits for SQS", fetching=True), *orders)
    if waited and not waits:
        orders = (*orders, HoldReleased(QUEUE_HOLD))
    return state, orders


def wake_at(state: Deliveries) -> Instant:
    """Return when time alone will change something here."""
    returns = [returns_at(state, delivery) for delivery in _going_back(state)]
    return earliest(state.next_at, checks_at(state), polls_at(state), _farewell_due(state), *returns)


def _absorb(state: Deliveries, fact: Fact, now: Instant) -> Moved:
    match fact:
        case FlowIs():
            return replace(state, flow=fact, has_said_farewell=False), ()
        case AppReady() | AppUnready():
            return seen(state, fact, now)
        case PollEnded():
            return ended(state, fact, now)
        case PollFailed():
            return poll_failed(state, fact, now)
        case StartGranted():
            return granted(state, fact, now)
        case StartRefused():
            return refused(state, fact, now)
        case DeliveryAnswered():
            return answered(state, fact, now)
        case DeliveryFailed():
            return not_answered(state, fact, now)
        case Extended() | ExtendFailed() | Deleted() | DeleteFailed() | Returned() | ReturnFailed():
            return sqs_answered(state, fact, now)
        case _:
            return state, ()


def _settle(state: Deliveries, now: Instant) -> Moved:
    """Do what the facts and the clock call for, until nothing more follows."""
    orders: list[Order] = []
    while (moved := _next(state, now)) is not None:
        state, more = moved
        orders += more
    return state, tuple(orders)


def _next(state: Deliveries, now: Instant) -> Moved | None:
    if state.next_at <= now:
        return _pass_time(state, now)
    if (moved := _begin(state, now)) is not None:
        return moved
    if _farewell_due(state) <= now:
        return _say_farewell(state, now)
    if due := [each for each in _going_back(state) if returns_at(state, each) <= now]:
        return give_back(state, due, now)
    if checks_at(state) <= now:
        return check(state)
    if polls_at(state) <= now:
        return poll(state, now)
    return None


def _pass_time(state: Deliveries, now: Instant) -> Moved:
    """Do what is due for each delivery; then it is known when the next is."""
    orders: tuple[Order, ...] = ()
    for id_ in tuple(state.open):
        # One that is over changes what comes after it in its group, so each is looked at as it is by then.
        state, more = _pass_time_for(state, state.open[id_], now)
        orders = (*orders, *more)
    return replace(state, next_at=earliest(*map(timers.due_at, state.open.values()))), orders


def _pass_time_for(state: Deliveries, delivery: Delivery, now: Instant) -> Moved:
    if timers.lapses_at(delivery) <= now:
        return lose(state, delivery, "its lease has ended", now)
    if timers.deletes_at(delivery) <= now:
        return delete(state, delivery, now)
    if timers.beats_at(delivery) <= now:
        return beat(state, delivery, now)
    return state, ()


def _begin(state: Deliveries, now: Instant) -> Moved | None:
    """Let the first in whose turn it is; or turn all of them away, while nothing may begin."""
    if not count(state, UNSTARTED):
        return None
    because = unwelcome(state)
    if because is None and not is_room_to_run(state):
        return None
    for delivery in state.open.values():
        if delivery.phase is Phase.AWAITING and because is not None and state.app.is_ready:
            return turn_away(state, delivery, because, now)
        if delivery.phase in UNSTARTED and because is not None:
            return hand_back(state, delivery, because)
        if delivery.phase is Phase.RECEIVED and may_start(state, delivery, now):
            return ask(state, delivery)
    return None


def _going_back(state: Deliveries) -> list[Delivery]:
    phases = (*GOING_BACK, Phase.ABANDONED)
    return [each for each in state.open.values() if each.phase in phases] if count(state, phases) else []


def _farewell_due(state: Deliveries) -> Instant:
    return farewell_at(state) if state.open and not state.has_said_farewell else NEVER


def _say_farewell(state: Deliveries, now: Instant) -> Moved:
    """Give up on what still runs, and name it; and name what SQS has not confirmed."""
    running = [each for each in state.open.values() if each.phase in (Phase.DELIVERING, Phase.LOST)]
    unsettled = tuple(_name(each) for each in state.open.values() if each.phase in SETTLING)
    orders: tuple[Order, ...] = ()
    for delivery in running:
        seconds = _until_gone(state, delivery, now)
        retry_at = NEVER if seconds is None else now
        left = replace(delivery, tries=0, give_back=seconds or 0, retry_at=retry_at)
        state, more = move(state, left, Phase.ABANDONED, "still running at the deadline")
        orders = (*orders, *more)
    if running:
        named = tuple(_name(each) for each in running)
        orders = (*orders, note("deliveries.abandoned", Level.ERROR, messages=named))
    if unsettled:
        orders = (*orders, note("deliveries.unsettled", Level.WARNING, messages=unsettled))
    return replace(state, has_said_farewell=True), orders


def _until_gone(state: Deliveries, delivery: Delivery, now: Instant) -> int | None:
    """Return in how many seconds the app is gone for certain; None where the lease ends sooner, or nobody knows."""
    outlives, exits_at = state.policy.app_outlives, state.flow.exits_at
    if outlives is None or delivery.is_lost or exits_at == NEVER:
        return None
    seconds = ceil(exits_at - now + outlives + _GONE_MARGIN_SECONDS)
    return seconds if seconds < delivery.lease_until - now else None


def _waits_for_sqs(state: Deliveries) -> bool:
    """Say whether the way out has to wait for more than jobs: what has not begun would have to go back first.

    While work is welcome it is always so, because the next poll may come at any moment.
    """
    if state.flow.allowed or state.polls:
        return True
    return count(state, (*UNSTARTED, *GOING_BACK, Phase.OUTDATED)) > 0


def _name(delivery: Delivery) -> str:
    return f"{delivery.received.message} from {delivery.queue}"
