"""Points in time and what can be said of them."""

from __future__ import annotations

from supervisor.core.instants import NEVER, Instant, after, earliest, seconds_left


def test_an_instant_lies_so_many_seconds_after_another() -> None:
    """Instants are seconds of one clock; nothing lies after never."""
    assert after(Instant(10.0), 2.5) == Instant(12.5)
    assert after(NEVER, 5) == NEVER


def test_the_earliest_instant_wins() -> None:
    """Never is later than every instant."""
    assert earliest(NEVER, Instant(3.0), Instant(2.0)) == Instant(2.0)


def test_of_no_instants_the_earliest_is_never() -> None:
    """Where nothing is planned there is nothing to wake for."""
    assert earliest() == NEVER


def test_a_deadline_that_has_passed_leaves_no_seconds() -> None:
    """What is shown to people is never negative, and None where there is no deadline."""
    assert seconds_left(Instant(12.0), Instant(10.0)) == 2.0
    assert seconds_left(Instant(12.0), Instant(13.0)) == 0.0
    assert seconds_left(NEVER, Instant(13.0)) is None
