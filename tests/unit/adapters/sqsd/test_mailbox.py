"""Messages under the names of their deliveries."""

from __future__ import annotations

from dataclasses import replace

from supervisor.adapters.sqs.message import Message
from supervisor.adapters.sqsd.mailbox import Mailbox
from supervisor.core.delivery.names import QueueName

MESSAGE = Message("m1", "r1", "é", False, 2, 995_000, 990_000, "A", "g", None, ())


def test_what_there_is_to_decide_by() -> None:
    """Count, age and size; the group of a FIFO queue only, because standard queues have groups that mean nothing."""
    mailbox = Mailbox(lambda: 1000.0)
    received = mailbox.keep(QueueName("jobs"), MESSAGE)
    assert (received.message, received.receipt, received.receives) == ("m1", "r1", 2)
    assert (received.age, received.size, received.group) == (5.0, 2, None)
    assert mailbox.keep(QueueName("jobs.fifo"), MESSAGE).group == "g"


def test_each_receive_has_its_own_name() -> None:
    """Also of the same message, until it is forgotten."""
    mailbox = Mailbox(lambda: 0.0)
    first, second = (mailbox.keep(QueueName("jobs"), MESSAGE).delivery for _ in range(2))
    assert first != second
    mailbox.forget(first)
    mailbox.forget(first)
    assert mailbox.find(first) is None
    assert mailbox.find(second) == ("jobs", MESSAGE)


def test_no_age_is_less_than_none() -> None:
    """SQS's clock may be ahead of ours, or the stamp missing."""
    mailbox = Mailbox(lambda: 0.0)
    assert mailbox.keep(QueueName("jobs"), MESSAGE).age == 0.0
    assert mailbox.keep(QueueName("jobs"), replace(MESSAGE, received_first_ms=None)).age == 0.0
