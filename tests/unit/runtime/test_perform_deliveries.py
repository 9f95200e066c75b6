"""Who carries out which order where there are deliveries."""

from __future__ import annotations

from typing import Any

from supervisor.core.delivery.names import DeliveryId
from supervisor.core.delivery.orders import CheckApp, Deliver, Forget, ShellOrder
from supervisor.core.effects import Exit, note
from supervisor.runtime.perform_deliveries import DeliveringPerformer


class Recorder:
    """Takes whatever it is given."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    def submit(self, order: ShellOrder) -> None:
        self.taken.append(order)

    def write(self, told: Any, _context: Any) -> None:
        self.taken.append(told)

    def sweep(self, _limit: float) -> int:
        return 0


def test_orders_about_messages_go_to_the_deliverer_and_others_nowhere_else() -> None:
    """In their order, and none of them brings a fact about at once."""
    deliverer, rest = Recorder(), Recorder()
    anything: Any = rest
    performer = DeliveringPerformer(anything, None, None, anything, tuple, lambda: None, 0.0)
    performer.deliverer = deliverer
    orders = (CheckApp(), Deliver(DeliveryId("1")), Forget(DeliveryId("1")))
    assert [performer.perform(order) for order in orders] == [None, None, None]
    assert deliverer.taken == list(orders)
    performer.perform(note("app.ready"))
    performer.perform(Exit(3))
    assert rest.taken == [note("app.ready")]
    assert performer.exit_status == 3
