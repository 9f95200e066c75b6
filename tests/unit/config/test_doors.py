"""What all doors have in common."""

from __future__ import annotations

from supervisor.config.doors import value_of


def test_the_last_value_of_an_option_counts() -> None:
    """As the frameworks' own parsers have it."""
    words = ("-t", "5", "--time=7", "x", "-t")
    assert value_of(words[:3], "-t", "--time") == "7"
    assert value_of(words, "-t", "--time") == ""
    assert value_of(words, "--other") is None
