"""How long is waited before the next try."""

from __future__ import annotations

import pytest

from supervisor.core.backoff import Backoff

TRIES = range(1, 40)


def test_every_delay_is_at_least_half_of_the_doubled_one_and_never_more() -> None:
    """The spread takes away at most half: 1, 2, 4 ... seconds, up to the longest."""
    backoff = Backoff(first=1.0, longest=60.0, identity="task-1")
    for tries in TRIES:
        whole = min(60.0, 2.0 ** (tries - 1))
        assert whole / 2 <= backoff.delay(tries) <= whole


def test_the_same_task_waits_the_same_again() -> None:
    """A replay of the same facts waits exactly as long as the original did."""
    delays = [[Backoff(1.0, 60.0, "task-1").delay(tries) for tries in TRIES] for _ in range(2)]
    assert delays[0] == delays[1]


def test_two_tasks_of_one_deployment_do_not_march_in_step() -> None:
    """Tasks that failed at the same moment ask again at different ones, all of them within the bounds."""
    at_the_bound = [Backoff(1.0, 60.0, f"task-{number}").delay(20) for number in range(200)]
    assert len(set(at_the_bound)) > 190
    assert max(at_the_bound) - min(at_the_bound) > 20


def test_a_task_that_tries_for_weeks_still_gets_a_delay() -> None:
    """The number of tries has no bound, and no power of two overflows."""
    assert 30 <= Backoff(1.0, 60.0).delay(1_000_000) <= 60


@pytest.mark.parametrize(("first", "longest"), [(0.0, 60.0), (-1.0, 60.0), (61.0, 60.0)])
def test_delays_that_shrink_or_vanish_are_refused(first: float, longest: float) -> None:
    """A first delay of nothing would be a tight loop; one over the longest would never be kept."""
    with pytest.raises(ValueError, match="first delay"):
        Backoff(first, longest)


def test_a_constant_delay_is_allowed() -> None:
    """First and longest may be the same."""
    assert 2.5 <= Backoff(5.0, 5.0).delay(7) <= 5.0
