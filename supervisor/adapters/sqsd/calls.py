"""Calls to SQS about messages that are with us: keep them longer, delete them, give them back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from supervisor.adapters.sqs.trouble import Trouble
from supervisor.core.delivery.facts import (
    Deleted,
    DeleteFailed,
    Extended,
    ExtendFailed,
    Returned,
    ReturnFailed,
)
from supervisor.core.delivery.names import Call, QueueName
from supervisor.core.delivery.orders import Delete, Extend, Return

from .service import Service


class Calls:
    """Several orders about one queue are one call; each takes two tries of ten seconds at worst."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def extend(self, orders: Sequence[Extend]) -> Iterator[Extended | ExtendFailed]:
        """Carry out extensions of one queue's messages; the facts are in the same order."""
        changes = [(order.call.receipt, order.seconds) for order in orders]
        for order, trouble in zip(orders, self._change(orders[0].queue, changes), strict=True):
            if trouble is None:
                yield Extended(order.call)
            else:
                yield ExtendFailed(order.call, trouble.decisive, trouble.detail)

    def delete(self, orders: Sequence[Delete]) -> Iterator[Deleted | DeleteFailed]:
        """Delete messages of one queue; the facts are in the same order."""
        receipts = [order.call.receipt for order in orders]
        for order, trouble in zip(orders, self._delete(orders[0].queue, receipts), strict=True):
            if trouble is None:
                yield Deleted(order.call)
            else:
                yield DeleteFailed(order.call, trouble.decisive, trouble.detail)

    def give_back(self, orders: Sequence[Return]) -> Iterator[Returned | ReturnFailed]:
        """Give messages back. orders: one, which has its batch already."""
        (order,) = orders
        changes = [(call.receipt, order.seconds) for call in order.calls]
        done: list[Call] = []
        for call, trouble in zip(order.calls, self._change(order.queue, changes), strict=True):
            if trouble is None:
                done.append(call)
            else:
                yield ReturnFailed((call,), trouble.decisive, trouble.detail)
        if done:
            yield Returned(tuple(done))

    def _change(self, name: QueueName, changes: list[tuple[str, int]]) -> Sequence[Trouble | None]:
        queue = self._service.queue(name)
        if isinstance(queue, Trouble):
            return [queue] * len(changes)
        if len(changes) == 1:
            return [queue.change_visibility(*changes[0])]
        return queue.change_visibility_many(changes)

    def _delete(self, name: QueueName, receipts: list[str]) -> Sequence[Trouble | None]:
        queue = self._service.queue(name)
        if isinstance(queue, Trouble):
            return [queue] * len(receipts)
        if len(receipts) == 1:
            return [queue.delete(receipts[0])]
        return queue.delete_many(receipts)
