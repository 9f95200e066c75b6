"""Takes the orders about deliveries, and answers each with exactly one fact, whatever happens.

Each kind of order has threads of its own. So a poll that waits hinders nobody; an app that hangs does not keep a message
from being extended; and while SQS is slow, what is given back waits behind nothing that is deleted or extended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

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
    """Fulfils ports.Deliverer. answer: takes facts, from any thread. tell: takes notes, likewise."""

    def __init__(
        self,
        settings: SqsdSettings,
        service: Service,
        mailbox: Mailbox,
        meter: Meter,
        answer: Callable[[ShellFact], None],
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
        self._posts = lane("post", settings.connections, _each(posts.deliver))
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

    def _answering(self, carry_out: Callable[[list[_O]], Iterable[ShellFact]]) -> Callable[[list[_O]], None]:
        def answering(orders: list[_O]) -> None:
            facts: Iterable[ShellFact]
            try:
                facts = list(carry_out(orders))
            except Exception as error:  # noqa: BLE001 - a defect of ours must not leave a message without an answer
                why = f"{type(error).__name__}: {error}"
                name = type(orders[0]).__name__
                self._tell(note("bug.order_failed", Level.ERROR, order=name, why=why))
                facts = [_failed(order, f"a defect of ours: {why}") for order in orders]
            for fact in facts:
                self._answer(fact)

        return answering


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
