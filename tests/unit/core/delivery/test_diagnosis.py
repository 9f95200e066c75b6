"""What an outcome that all deliveries share most likely means."""

from __future__ import annotations

import pytest

from supervisor.core.delivery.diagnosis import FRESH, Outcome, advise, failed
from supervisor.core.delivery.facts import Failure


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (403, "awsvpc"),
        (404, "AWS_PROCESS_BEANSTALK_WORKER_REQUESTS"),
        (400, "localhost"),
        (301, "X-Forwarded-Proto"),
        (308, "X-Forwarded-Proto"),
        (204, "add 204"),
        (418, "log"),
        (500, "log"),
        (Failure.REFUSED, "port"),
        (Failure.CUT, "memory"),
    ],
)
def test_the_advice_names_what_to_set(outcome: Outcome, word: str) -> None:
    """It is for somebody who has never seen the app's middleware from inside."""
    assert word in advise(outcome).fix


def test_every_failure_has_its_advice() -> None:
    """None is without an explanation."""
    assert all(advise(failure).likely for failure in Failure)


def test_five_alike_and_no_success_are_told_once() -> None:
    """Another outcome in between begins the count anew."""
    watch, given = FRESH, []
    for outcome in (403, 403, 403, 403, 500, 403, 403, 403, 403, 403, 403):
        after, advice = failed(watch, outcome)
        assert after is not None
        watch = after
        given.append(advice is not None)
    assert given == [False] * 9 + [True, False]


def test_after_a_success_nothing_is_told() -> None:
    """The watch is over for good."""
    assert failed(None, 403) == (None, None)
