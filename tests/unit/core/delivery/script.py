"""Playbooks for the deliveries alone: the same script language, with the other machines played by the script.

Unless a script asks to see the holds, each is granted at once and not claimed.
"""

from __future__ import annotations

from typing import Any, Self

from supervisor.core.delivery import Deliveries, DeliveryPolicy, Phase, QueuePolicy, begin, step, wake_at
from supervisor.core.delivery.facts import (
    AppReady,
    FlowIs,
    PollEnded,
    Received,
    StartGranted,
)
from supervisor.core.delivery.names import Call, DeliveryId, PollId, QueueName, delivery_of
from supervisor.core.delivery.orders import CheckApp, Deliver, Poll
from supervisor.core.events import HoldReleased, HoldTaken
from supervisor.core.instants import Instant
from tests.unit.core.playbook import Playbook, policy, told

JOBS = QueueName("jobs")
MAIL = QueueName("mail")
ORDERED = QueueName("ordered")

jobs, mail = QueuePolicy(JOBS), QueuePolicy(MAIL)
ordered = QueuePolicy(ORDERED, is_fifo=True)

OPEN, SHUT = FlowIs(allowed=True), FlowIs(allowed=False)


def d(number: int) -> DeliveryId:
    return DeliveryId(f"d{number}")


def m(number: int, again: int | None = None, **more: Any) -> Received:
    """Make a receive of the message of this number; again: the number of a later receive of it."""
    receive = number if again is None else again
    return Received(d(receive), f"m{number}", f"r{receive}", **more)


def call(number: int, count: int = 1, receipt: int | None = None) -> Call:
    """Name the call about a delivery: its first one unless another count is given."""
    return Call(d(number), count, f"r{number if receipt is None else receipt}")


def poll(number: int, most: int = 10, queue: QueueName = JOBS, wait: int = 20) -> Poll:
    return Poll(PollId(number), queue, most, wait)


def brought(number: int, *messages: Received) -> PollEnded:
    return PollEnded(PollId(number), messages)


def leaving(interrupted_at: float, exits_at: float) -> FlowIs:
    return FlowIs(False, Instant(interrupted_at), Instant(exits_at))


class Machine:
    """Stands where a playbook has its engine."""

    def __init__(self, policy: DeliveryPolicy, grants: bool) -> None:
        self.state = begin(policy)
        self._grants = grants

    def handle(self, fact: Any, now: Instant) -> tuple[Any, ...]:
        self.state, orders = step(self.state, fact, now)
        if not self._grants:
            return orders
        given: list[Any] = []
        for order in orders:
            match order:
                case HoldTaken(hold=hold, asks=True) if (delivery := delivery_of(hold)) is not None:
                    given += self.handle(StartGranted(delivery, protected=True), now)
                case HoldTaken() | HoldReleased():
                    pass
                case _:
                    given.append(order)
        return tuple(given)

    def wake_at(self) -> Instant:
        return wake_at(self.state)


class Script(Playbook):
    def __init__(self, grants: bool = True, **how: Any) -> None:
        super().__init__(policy())
        self.machine = Machine(DeliveryPolicy(**({"queues": (jobs,)} | how)), grants)
        self.engine = self.machine  # type: ignore[assignment]

    def __rshift__(self, fact: Any) -> Self:
        return super().__rshift__(fact)

    def __lshift__(self, order: Any) -> Self:
        return super().__lshift__(order)

    @property
    def state(self) -> Deliveries:
        return self.machine.state

    def said(self, name: str) -> bool:
        """Claim a note if it was just given."""
        if self._unclaimed and told(name) == self._unclaimed[0]:
            self._unclaimed.pop(0)
            return True
        return False

    def phase(self, number: int) -> Phase:
        """Return the phase of an open delivery when everything that was ordered is claimed."""
        assert self
        return self.state.open[d(number)].phase


def ready(grants: bool = True, **how: Any) -> Script:
    """Tell of a daemon that may fetch, with an app that can be talked to; the first polls are to be claimed."""
    return Script(grants, **how) >> OPEN << CheckApp() >> AppReady() << told("app.ready")


def delivering(*messages: Received, **how: Any) -> Script:
    """Tell of one that has begun to deliver these, and has no poll under way because there is no room for more."""
    script = ready(**({"connections": len(messages)} | how))
    script = script << poll(1, len(messages)) >> brought(1, *messages)
    for message in messages:
        script = script << Deliver(message.delivery)
    return script
