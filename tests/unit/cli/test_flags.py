"""The words of the small commands."""

from __future__ import annotations

import pytest

from supervisor.cli.flags import Flags, UsageError

KNOWN = {"--about": "NAME", "--ttl": "SECONDS", "--json": ""}


def flags(line: str) -> Flags:
    return Flags("hold", line.split(), KNOWN)


@pytest.mark.parametrize(
    "line",
    ["--about mail --json -- a -b", "--json --about=mail a -b", "--json --about x --about mail -- a -b"],
)
def test_flags_end_where_the_rest_begins(line: str) -> None:
    """At `--`, or at the first word that is none; the last of two counts."""
    given = flags(line)
    assert given.text("--about") == "mail"
    assert "--json" in given
    assert given.rest == ["a", "-b"]


def test_a_flag_may_be_repeated() -> None:
    """All its values are there in their order, for whoever asks for all."""
    assert flags("--about mail --json --about=post").texts("--about") == ["mail", "post"]
    assert flags("--json").texts("--about") == []


def test_what_was_not_given_has_its_default() -> None:
    """A text is empty, a number is None."""
    given = flags("")
    assert given.text("--about") == ""
    assert given.number("--ttl", 1, 5) is None
    assert not given.help_wanted


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_may_be_asked_for(word: str) -> None:
    """Beside whatever else is there."""
    assert flags(f"--json {word}").help_wanted


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--abuot x", "--abuot is no option, so nothing was done; leave it out (did you mean --about?)"),
        ("--about", "--about has no value, so nothing was done; write --about NAME"),
        ("--about -- x", "--about has no value, so nothing was done; write --about NAME"),
        ("--json=1", "--json takes no value, so nothing was done; write --json alone"),
    ],
)
def test_a_slip_of_the_finger_is_explained(line: str, said: str) -> None:
    """What is wrong, that nothing was done, what to write, and where there is more."""
    with pytest.raises(UsageError) as told:
        flags(line)
    assert str(told.value) == f"{said}; see `ecs-supervisor hold --help`"


@pytest.mark.parametrize("text", ["0", "6", "x", "nan", "1_0", ""])
def test_a_number_has_its_limits(text: str) -> None:
    """What is none is told with both."""
    with pytest.raises(UsageError, match="give a number from 1 to 5"):
        Flags("hold", ["--ttl", text], KNOWN).number("--ttl", 1, 5)


def test_limits_are_written_out() -> None:
    """A limit that is rounded would be refused itself."""
    with pytest.raises(UsageError, match="give a number from 1 to 4194304;"):
        flags("--ttl 0").number("--ttl", 1, 4_194_304)


def test_a_number_within_its_limits() -> None:
    """It may have a fraction."""
    assert flags("--ttl 2.5").number("--ttl", 1, 5) == 2.5


def test_words_that_nobody_wants_are_told() -> None:
    """Commands that take none say so."""
    with pytest.raises(UsageError, match="`now` is not expected"):
        flags("--json now").no_rest()
