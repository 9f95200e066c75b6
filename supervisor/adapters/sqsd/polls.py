"""Asks queues for messages. A poll lasts until SQS ends it: one that is given up goes on taking messages, for nobody."""

from __future__ import annotations

from time import monotonic

from supervisor.adapters.sqs.trouble import Trouble
from supervisor.core.delivery.facts import PollEnded, PollFailed
from supervisor.core.delivery.orders import Poll

from .mailbox import Mailbox
from .meter import Meter
from .service import Service


class Polls:
    """visibility: seconds for which a message is ours at first."""

    def __init__(self, service: Service, mailbox: Mailbox, meter: Meter, visibility: int) -> None:
        self._service = service
        self._mailbox = mailbox
        self._meter = meter
        self._visibility = visibility

    def carry_out(self, order: Poll) -> PollEnded | PollFailed:
        """Poll once; it takes as long as the poll waits, and at worst the client's time limit."""
        receiver = self._service.borrow(order.queue)
        if isinstance(receiver, Trouble):
            return PollFailed(order.poll, receiver.decisive, receiver.detail)
        began = monotonic()
        answer = receiver.receive(order.most, order.wait, self._visibility)
        seconds = monotonic() - began
        self._service.give_back(order.queue, receiver)
        if isinstance(answer, Trouble):
            self._meter.polled(order.queue, answer.kind.value, seconds)
            return PollFailed(order.poll, answer.decisive, answer.detail)
        self._meter.polled(order.queue, "messages" if answer.messages else "nothing", seconds)
        messages = tuple(self._mailbox.keep(order.queue, message) for message in answer.messages)
        return PollEnded(order.poll, messages)
