"""What the queue's attributes say against the settings."""

from __future__ import annotations

import json

import pytest

from supervisor.config.sqsd.start_checks import start_checks
from tests.unit.config.sqsd.given import settings


def redrive(receives: object) -> dict[str, str]:
    policy = {"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:1:dead", "maxReceiveCount": receives}
    return {"RedrivePolicy": json.dumps(policy), "MessageRetentionPeriod": "345600"}


def warnings(attributes: dict[str, str], *argv: str) -> list[str]:
    return [problem.what for problem in start_checks(settings(*argv), "jobs", attributes)]


@pytest.mark.parametrize("receives", [5, 10, "10", 1000])
def test_a_usual_queue_is_fine(receives: object) -> None:
    """As Elastic Beanstalk makes it."""
    assert warnings(redrive(receives)) == []


@pytest.mark.parametrize(
    "attributes", [{}, {"RedrivePolicy": "{}"}, {"RedrivePolicy": "x"}, {"RedrivePolicy": "[]"}, redrive("x")]
)
def test_without_dead_letters_a_bad_message_never_ends(attributes: dict[str, str]) -> None:
    """Also where the policy cannot be read."""
    assert warnings(attributes) == ["the queue jobs has no dead-letter queue"]


@pytest.mark.parametrize("receives", [1, 4])
def test_few_receives_are_used_up_by_stops(receives: int) -> None:
    """A message that is given back counts as received."""
    assert warnings(redrive(receives)) == [f"the queue jobs gives up messages after {receives} receives"]


def test_the_queue_decides_about_retries() -> None:
    """The option is only compared with it."""
    assert warnings(redrive(10), "--max-retries", "10") == []
    assert warnings(redrive(10), "--max-retries", "3") == [
        "the queue jobs gives up messages after 10 receives, not after 3"
    ]


def test_deleting_what_is_old_is_told() -> None:
    """Unless the queue itself would have deleted it by then."""
    assert warnings(redrive(10), "--retention-period", "3600") == [
        "messages of the queue jobs are deleted unprocessed 3600 s after their first receive"
    ]
    assert warnings(redrive(10), "--retention-period", "345600") == []
    attributes = redrive(10)
    del attributes["MessageRetentionPeriod"]
    assert warnings(attributes, "--retention-period", "3600") == []
