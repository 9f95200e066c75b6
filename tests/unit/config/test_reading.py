"""Typed values out of texts."""

from __future__ import annotations

import pytest

from supervisor.config.reading import Given, Reader, did_you_mean, finite, why_unreadable


def reader(key: str, text: str) -> Reader:
    return Reader({key: Given(text, f"WHERE_{key}")})


@pytest.mark.parametrize(("text", "number"), [("30", 30), ("2.5", 2.5), ("+1e2", 100), (" 7 ", 7), ("0", 0)])
def test_a_number_within_the_limits_is_taken(text: str, number: float) -> None:
    """Decimals and exponents are numbers, blanks around them do not matter."""
    reading = reader("release_delay", text)
    assert reading.number("release_delay") == number
    assert reading.problems == []
    assert reading.is_good("release_delay")


@pytest.mark.parametrize(
    "text", ["", "x", "30s", "1_000", "nan", "inf", "1e999", "-1", "86401", "0x1", "1e", "٣"]
)
def test_anything_else_is_refused_with_the_limits(text: str) -> None:
    """What is no plain number in the range is named together with where it was written."""
    reading = reader("release_delay", text)
    reading.number("release_delay")
    (problem,) = reading.problems
    assert problem.what == f"WHERE_release_delay is `{text}`"
    assert problem.why == "this sets how long protection is kept after the last job"
    assert problem.fix == "give a number from 0 to 86400, without a unit"
    assert not reading.is_good("lease", "release_delay")
    assert reading.is_good("lease")


def test_an_option_that_was_not_given_has_its_default() -> None:
    """The default is read like a text of the user's."""
    reading = Reader({})
    assert reading.given("lease") is None
    assert reading.number("lease") == 60
    assert reading.choice("restart") == "never"
    assert reading.where("lease") == "--lease"


def test_a_choice_is_one_of_the_words() -> None:
    """Another word is refused with all choices, and with the one that was probably meant."""
    assert reader("restart", "always").choice("restart") == "always"
    reading = reader("restart", "on-failures")
    reading.choice("restart")
    (problem,) = reading.problems
    assert problem.what == "WHERE_restart is `on-failures`"
    assert problem.fix == "give one of never, on-failure, always (did you mean on-failure?)"


def test_words_are_separated_by_commas() -> None:
    """Blanks and empty parts do not count."""
    assert reader("stop_signals", " TERM, INT,,").words("stop_signals") == ("TERM", "INT")
    assert Reader({}).words("stop_signals") == ("TERM", "INT", "QUIT")


def test_only_plain_finite_numbers_are_numbers() -> None:
    """float() would take more than is meant."""
    assert [finite(text) for text in ("1.5", "-2", "nan", "inf", "1e400", "1_0", "..")] == [
        1.5,
        -2,
        *[None] * 5,
    ]


def test_why_a_file_cannot_be_read_is_said_in_words() -> None:
    """The kernel's number and the name, which the message has already, are left out."""
    assert (
        why_unreadable(FileNotFoundError(2, "No such file or directory", "a")) == "No such file or directory"
    )
    assert why_unreadable(ValueError("Expected ']' (at line 1)")) == "Expected ']' (at line 1)"
    assert why_unreadable(OSError("gone")) == "gone"


def test_a_hint_is_given_where_a_word_is_near() -> None:
    """Where nothing is near there is no hint."""
    assert did_you_mean("--leese", ["--lease", "--socket"]) == " (did you mean --lease?)"
    assert did_you_mean("--frobnicate", ["--lease", "--socket"]) == ""
