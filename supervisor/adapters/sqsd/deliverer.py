"""Takes the orders about deliveries, and answers each with exactly one fact, whatever happens.

Each kind of order has threads of its own, and all posts together one. So a poll that waits hinders nobody; an app that hangs
does not keep a message from being extended; and while SQS is slow, what is given back waits behind nothing that is deleted or extended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from supervisor.adapters.beanstalk.answer import Steps
from supervisor.adapters.beanstalk.post import Wait, carry_through, is_number
from supervisor.config.sqsd.settings import SqsdSettings
from supervisor.core.delivery.engine import ShellFact
from supervisor.core.delivery.facts import (
    AppUnready,
    DeleteFailed,
    DeliveryFailed,
    ExtendFailed,
    Failure,
    PollFailed,
    ReturnFailed,
    Trouble,
)
from supervisor.core.delivery.orders import (
    CheckApp,
    Delete,
    Deliver,
    Extend,
    Forget,
    Poll,
    Return,
    ShellOrder,
)
from supervisor.core.delivery.policy import MOST_AT_ONCE
from supervisor.core.effects import Level, Note, note

from .calls import Calls
from .courier import Courier
from .lane import Lane, SpawnThread
from .mailbox import Mailbox
from .meter import Meter
from .polls import Polls
from .posts import Posts
from .service import Service

# With ten messages a call, enough for all that can be with us, also while each call takes as long as it may.
_CALLERS = 8
_RETURNERS = 4

# A call for ten messages costs hardly more than for one. So much later a message is deleted while many are; should we be
# killed in this time, it comes again.
_GATHER_SECONDS = 0.02

# So many calls about messages can be under way beside the polls.
CALLS_AT_ONCE = 3 * _CALLERS + _RETURNERS

_O = TypeVar("_O", bound=ShellOrder)


class Deliverer:
    """Fulfils ports.Deliverer. answer: takes one fact or several, from any thread. tell: takes notes, likewise."""

    def __init__(
        self,
        settings: SqsdSettings,
        service: Service,
        mailbox: Mailbox,
        meter: Meter,
        answer: Callable[..., None],
        tell: Callable[[Note], None],
        spawn_thread: SpawnThread,
    ) -> None:
        self._answer = answer
        self._tell = tell
        self._mailbox = mailbox
        polls = Polls(service, mailbox, meter, settings.visibility_timeout)
        posts = Posts(settings.app, mailbox, meter, tell)
        calls = Calls(service)

        def lane(name: str, most: int, carry_out: Callable[[list[_O]], Iterable[ShellFact]]) -> Lane[_O]:
            return Lane(name, most, spawn_thread, self._answering(carry_out))

        def batching(
            name: str, carry_out: Callable[[list[_O]], Iterable[ShellFact]], pause: float = _GATHER_SECONDS
        ) -> Lane[_O]:
            answering = self._answering(carry_out)
            return Lane(name, _CALLERS, spawn_thread, answering, _are_of_one_queue, MOST_AT_ONCE, pause)

        # There are never more polls than messages that may be with us.
        self._polls = lane("poll", settings.connections, _each(polls.carry_out))
        self._posts = self._postman(settings, posts, spawn_thread)
        self._checks = lane("check", 1, _each(posts.check))
        self._extends = batching("extend", calls.extend)
        self._deletes = batching("delete", calls.delete)
        # The next of a FIFO group begins when the one before is deleted.
        self._ordered_deletes = batching("delete-fifo", calls.delete, pause=0.0)
        self._fifo = frozenset(queue.name for queue in settings.queues if queue.is_fifo)
        self._returns = lane("return", _RETURNERS, calls.give_back)

    def submit(self, order: ShellOrder) -> None:
        """Take an order; returns at once."""
        match order:
            case Poll():
                self._polls.put(order)
            case Deliver():
                self._posts.put(order)
            case Extend():
                self._extends.put(order)
            case Delete():
                (self._ordered_deletes if order.queue in self._fifo else self._deletes).put(order)
            case Return():
                self._returns.put(order)
            case CheckApp():
                self._checks.put(order)
            case Forget(delivery=delivery):
                self._mailbox.forget(delivery)

    def _postman(
        self, settings: SqsdSettings, posts: Posts, spawn_thread: SpawnThread
    ) -> Courier[Deliver, ShellFact] | Lane[Deliver]:
        def begin(order: Deliver) -> Steps[Wait, ShellFact]:
            try:
                return (yield from posts.deliver(order))
            except Exception as error:  # noqa: BLE001 - as below
                return self._defect([order], error)[0]

        def carry_out(orders: list[Deliver]) -> None:
            self._answer(*(carry_through(begin(order)) for order in orders))

        if is_number(settings.app.address):
            return Courier("post", spawn_thread, begin, lambda facts: self._answer(*facts))
        # Whoever knows the address that belongs to a name may take seconds to tell it, which are only this message's own.
        return Lane("post", settings.connections, spawn_thread, carry_out)

    def _answering(self, carry_out: Callable[[list[_O]], Iterable[ShellFact]]) -> Callable[[list[_O]], None]:
        def answering(orders: list[_O]) -> None:
            facts: Iterable[ShellFact]
            try:
                facts = list(carry_out(orders))
            except Exception as error:  # noqa: BLE001 - a defect of ours must not leave a message without an answer
                facts = self._defect(orders, error)
            self._answer(*facts)

        return answering

    def _defect(self, orders: Sequence[ShellOrder], error: Exception) -> list[ShellFact]:
        why = f"{type(error).__name__}: {error}"
        self._tell(note("bug.order_failed", Level.ERROR, order=type(orders[0]).__name__, why=why))
        return [_failed(order, f"a defect of ours: {why}") for order in orders]


def _each(carry_out: Callable[[_O], ShellFact]) -> Callable[[list[_O]], Iterable[ShellFact]]:
    return lambda orders: map(carry_out, orders)


def _are_of_one_queue(first: Any, second: Any) -> bool:
    return bool(first.queue == second.queue)


def _failed(order: ShellOrder, why: str) -> ShellFact:
    match order:
        case Poll(poll=poll):
            return PollFailed(poll, Trouble.OTHER, why)
        case Deliver(delivery=delivery):
            return DeliveryFailed(delivery, Failure.IMPOSSIBLE, why)
        case Extend(call=call):
            return ExtendFailed(call, Trouble.OTHER, why)
        case Delete(call=call):
            return DeleteFailed(call, Trouble.OTHER, why)
        case Return(calls=calls):
            return ReturnFailed(calls, Trouble.OTHER, why)
        case _:
            return AppUnready(why)
