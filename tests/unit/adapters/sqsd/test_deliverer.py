"""Each order is answered by exactly one fact, also where what carries it out is broken."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from supervisor.adapters.sqsd.deliverer import Deliverer
from supervisor.adapters.sqsd.mailbox import Mailbox
from supervisor.adapters.sqsd.meter import Meter
from supervisor.config.sqsd.load import load
from supervisor.config.sqsd.settings import SqsdSettings
from supervisor.core.delivery.facts import (
    AppUnready,
    DeleteFailed,
    DeliveryFailed,
    ExtendFailed,
    Failure,
    PollFailed,
    ReturnFailed,
)
from supervisor.core.delivery.names import Call, DeliveryId, PollId, QueueName
from supervisor.core.delivery.orders import CheckApp, Delete, Deliver, Extend, Forget, Poll, Return
from supervisor.core.effects import Note
from tests.waiting import until

JOBS = QueueName("jobs")
CALL = Call(DeliveryId("1"), 1, "r")
OTHER = Call(DeliveryId("2"), 1, "s")


class Broken:
    """Whatever it is asked for, it raises."""

    def __getattr__(self, _name: str) -> Any:
        raise KeyError("broken")


def settings() -> SqsdSettings:
    made = load(["--queue-url", "http://localhost:1/1/jobs", "--http-port", "1"], {}, lambda _: "")
    assert isinstance(made, SqsdSettings)
    return made


def spawn(name: str, work: Callable[[], None]) -> None:
    threading.Thread(target=work, name=name, daemon=True).start()


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Poll(PollId(1), JOBS, 1, 1), PollFailed),
        (Deliver(DeliveryId("1")), DeliveryFailed),
        (Extend(CALL, JOBS, 30), ExtendFailed),
        (Delete(CALL, JOBS), DeleteFailed),
        (Return((CALL, OTHER), JOBS, 0), ReturnFailed),
        (CheckApp(), AppUnready),
    ],
)
def test_a_defect_is_an_answer_too(order: Any, expected: type) -> None:
    """No message is forgotten because of it, and people hear of it."""
    facts: list[Any] = []
    notes: list[Note] = []
    broken: Any = Broken()
    deliverer = Deliverer(settings(), broken, broken, Meter(), facts.append, notes.append, spawn)
    deliverer.submit(order)
    until(lambda: facts, why="there is an answer")
    (fact,) = facts
    assert isinstance(fact, expected)
    if not isinstance(order, CheckApp):
        (told,) = notes
        assert (told.name, dict(told.fields)["order"]) == ("bug.order_failed", type(order).__name__)


def test_a_message_that_is_not_here_cannot_be_posted() -> None:
    """That is an answer like any other."""
    facts: list[Any] = []
    service: Any = Broken()
    mailbox = Mailbox(lambda: 0.0)
    deliverer = Deliverer(settings(), service, mailbox, Meter(), facts.append, facts.append, spawn)
    deliverer.submit(Forget(DeliveryId("1")))
    deliverer.submit(Deliver(DeliveryId("1")))
    until(lambda: facts, why="there is an answer")
    assert facts == [DeliveryFailed(DeliveryId("1"), Failure.IMPOSSIBLE, "the message is not here any more")]
