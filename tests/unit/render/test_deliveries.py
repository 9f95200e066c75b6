"""The lines about deliveries."""

from __future__ import annotations

from supervisor.core.delivery.view import DeliveriesView, QueueView
from supervisor.render.deliveries import delivery_lines

QUIET = DeliveriesView(True, 5, {}, {}, 0, 0, (QueueView("jobs", 1, 0, None),))
BUSY = DeliveriesView(
    False,
    5,
    {"delivering": 2, "failed": 1},
    {"deleted": 7},
    10,
    1,
    (QueueView("a", 0, 3, 2.0), QueueView("b\n", 0, 1, None)),
)


def test_a_quiet_one() -> None:
    """Nothing is here, and a poll waits."""
    assert dict(delivery_lines(QUIET)) == {
        "app": "can be talked to",
        "messages": "none here, of 5 at most; 0 received",
        "queue": "jobs: polls waiting: 1",
    }


def test_a_busy_one_in_trouble() -> None:
    """What is here, what has become of the others, and when a silent queue is asked again."""
    assert list(delivery_lines(BUSY)) == [
        ("app", "cannot be talked to, so no message is taken"),
        ("messages", "2 delivering, 1 failed, of 5 at most; 10 received, 7 deleted; possible duplicates: 1"),
        ("queue", "a: does not answer, failed polls: 3, asked again in 2 s"),
        ("queue", "b?: does not answer, failed polls: 1"),
    ]
