"""Settings that could not work are refused before anything runs."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.core.delivery import DeliveryPolicy, QueuePolicy

from .script import jobs


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"queues": ()}, "at least one queue"),
        ({"queues": (jobs, jobs)}, "a name of its own"),
        ({"connections": 0}, "at least one connection"),
        ({"prefetch": -1}, "no less than nothing"),
        ({"wait": 0}, "1 to 20 s"),
        ({"wait": 21}, "1 to 20 s"),
        ({"visibility_timeout": 0}, "1 to 43200 s"),
        ({"visibility_timeout": 43_201}, "1 to 43200 s"),
        ({"error_visibility": -1}, "0 to 43200 s"),
        ({"inactive_visibility": 43_201}, "0 to 43200 s"),
        ({"retention": 59}, "60 to 1209600 s"),
        ({"success": frozenset()}, "200 to 299"),
        ({"success": frozenset({200, 302})}, "200 to 299"),
        ({"check_every": 0}, "more than no time"),
        ({"keeps_leases": False, "inactivity_timeout": 300.0}, "keep the leases"),
        ({"wait": 10, "stop_budget": 12.9}, "shorten the wait"),
    ],
)
def test_what_could_not_work_is_refused(wrong: dict[str, Any], why: str) -> None:
    """The message says what would happen, and what to do."""
    with pytest.raises(ValueError, match=why):
        DeliveryPolicy(**({"queues": (jobs,)} | wrong))


def test_everything_that_is_wrong_is_told_at_once() -> None:
    """Nobody has to try again for each."""
    with pytest.raises(ValueError, match=r"connection.*shorten the wait"):
        DeliveryPolicy((jobs,), connections=0, stop_budget=1)


@pytest.mark.parametrize("wrong", [{"weight": 0}, {"batch": 0}, {"batch": 11}])
def test_a_queue_has_a_weight_and_a_batch_that_sqs_takes(wrong: dict[str, Any]) -> None:
    """Ten messages are the most that a poll brings."""
    with pytest.raises(ValueError, match="1 to 10 messages"):
        QueuePolicy(jobs.name, **wrong)


def test_slots_are_what_runs_and_what_is_prefetched() -> None:
    """The bound on the messages that are with us; as it comes, nothing is prefetched."""
    assert DeliveryPolicy((jobs,), connections=4).slots == 4
    assert DeliveryPolicy((jobs,), connections=4, prefetch=3).slots == 7


def test_the_limits_themselves_are_good() -> None:
    """A poll that fits the stop exactly, a lease that is exactly longer than the app may take."""
    DeliveryPolicy((jobs,), wait=10, stop_budget=13.0)
    DeliveryPolicy((jobs,), keeps_leases=False, inactivity_timeout=299.9)
