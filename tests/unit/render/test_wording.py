"""Words for people."""

from __future__ import annotations

import pytest

from supervisor.render.wording import clean, clock_time, cut, duration, within


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (7260, "2 h 1 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, said: str) -> None:
    """The largest and its neighbour, which is left out when there is none of it."""
    assert duration(seconds) == said


@pytest.mark.parametrize(("seconds", "said"), [(8, "in 8 s"), (0, "now"), (-3, "now")])
def test_what_lies_ahead(seconds: float, said: str) -> None:
    """What has come is now."""
    assert within(seconds) == said


def test_the_time_of_day_is_utc() -> None:
    """As in log lines, to the second."""
    assert clock_time(86_400 * 3 + 3600 * 14 + 60 * 5 + 9.7) == "14:05:09Z"


def test_texts_of_others_stay_on_their_line() -> None:
    """Control characters are shown as question marks, and what is too long is cut."""
    assert clean("a\x1b[2Jb\n") == "a?[2Jb?"
    assert cut("abcdefgh", 8) == "abcdefgh"
    assert cut("abcdefghi", 8) == "abcde..."
