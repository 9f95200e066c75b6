"""What `sqsd` says of its own accord to somebody who has just set it up: about the queue, the rights, and an app that takes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from supervisor.emulator.sqs.faults import Fault
from tests.rehearsals.conftest import surroundings as surroundings
from tests.rehearsals.deliveries import SECRET, Stage, stage

pytestmark = pytest.mark.timeout(60)

DEAD = "arn:aws:sqs:eu-west-1:000000000000:dead"


def test_a_queue_as_it_should_be_is_passed_over() -> None:
    """With a dead-letter queue that is as patient as Elastic Beanstalk's, and all rights."""
    with stage(RedrivePolicy=redrive(10)) as task:
        task.send("a")
        task.until(lambda: task.notes("delivery.done"), "a job is done")
        assert not [note for note in task.run.notes if note["level"] in ("warning", "error")]


@pytest.mark.parametrize(
    ("options", "attributes", "said"),
    [
        ((), {}, ["has no dead-letter queue"]),
        ((), {"RedrivePolicy": "3"}, ["gives up messages after 3 receives"]),
        (
            ("--MaxRetries", "10", "--RetentionPeriod", "345600"),
            {"RedrivePolicy": "8", "MessageRetentionPeriod": "1209600"},
            ["after 8 receives, not after 10", "are deleted unprocessed 345600 s after"],
        ),
    ],
    ids=["no dead letters", "few receives", "other than said"],
)
def test_what_speaks_against_a_queue_is_told_once(
    options: tuple[str, ...], attributes: dict[str, Any], said: list[str]
) -> None:
    """With a reason and a fix, and messages are taken all the same."""
    policy = {"RedrivePolicy": redrive(int(attributes["RedrivePolicy"]))} if attributes else {}
    with stage(*options, **(attributes | policy)) as task:
        task.until(lambda: len(doubts(task)) == len(said), "the queue was looked at")
        task.send("a")
        task.until_began("a")
        for told, part in zip(doubts(task), said, strict=True):
            assert part in told["what"]
            assert told["why"]
            assert told["fix"]


@pytest.mark.parametrize("action", ["DeleteMessage", "ChangeMessageVisibility"])
def test_a_right_that_is_missing_is_told_before_it_is_needed(action: str) -> None:
    """By its name in a policy: without, it would be found out when the first job has ended."""
    with stage(RedrivePolicy=redrive(10)) as task:
        task.server.faults.now_and_then(Fault.DENIED, 1.1, action)
        task.until(lambda: doubts(task), "the rights were tried")
        (told,) = doubts(task)
        assert told["level"] == "error"
        assert f"sqs:{action}" in told["what"]
        assert f"allow sqs:{action} " in told["fix"]


def test_a_role_that_may_not_receive_is_told_as_an_error() -> None:
    """Once, and tried again: a policy takes a while until it holds."""
    with stage(RedrivePolicy=redrive(10)) as task:
        task.server.faults.now_and_then(Fault.DENIED, 1.1, "ReceiveMessage")
        task.until(lambda: len(task.server.calls("ReceiveMessage")) >= 3, "it is tried again")
        (told,) = task.notes("queue.trouble")
        assert (told["level"], told["kind"]) == ("error", "denied")
        task.server.faults.clear()
        task.send("a")
        task.until_began("a")


def test_an_app_that_fails_everything_alike_is_explained_once() -> None:
    """Here nobody has signed the jobs: after five the log says what 403 most likely means, and what to set."""
    with stage("--error-visibility-timeout", "0", secret=SECRET) as task:
        for job in "abcdef":
            task.send(job)
        task.until(lambda: len(task.notes("delivery.failed")) >= 10, "all are refused")
        (told,) = task.notes("deliveries.all_fail")
        assert "SECRET_KEY_BASE" in told["likely"]
        assert "awsvpc" in told["fix"]


def doubts(task: Stage) -> list[dict[str, str]]:
    return task.notes("queue.doubtful")


def redrive(receives: int) -> str:
    return json.dumps({"deadLetterTargetArn": DEAD, "maxReceiveCount": receives})
