"""What people read of options."""

from __future__ import annotations

import re

import pytest

from supervisor.config.option import Option
from supervisor.config.option_text import options_help, options_table
from supervisor.config.options import OPTIONS

every_option = pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.key)


@every_option
def test_the_help_names_every_option(option: Option) -> None:
    """Its flag, what to write after it, what it means and what holds without it."""
    text = " ".join(options_help(OPTIONS.values()).split())
    assert f"{option.written} {option.meaning}" in text


def test_lines_of_the_help_are_short() -> None:
    """They fit on a screen of 100 columns, and the text is indented below its flag."""
    lines = options_help(OPTIONS.values()).splitlines()
    assert max(len(line) for line in lines) <= 100
    assert all(re.match("  --|        \\S", line) for line in lines)


def test_the_table_has_a_row_for_every_option() -> None:
    """Markdown with four cells in every row, in the order of the table in the code."""
    head, rule, *rows = options_table(OPTIONS.values()).splitlines()
    assert head == "| Flag | Variable | Default | Meaning |"
    assert rule == "|---|---|---|---|"
    cells = [re.split(r"(?<!\\)\|", row)[1:-1] for row in rows]
    assert [row[0].split()[0].strip("` ") for row in cells] == [option.flag for option in OPTIONS.values()]
    assert all(len(row) == 4 for row in cells)
    assert "| `--lease MINUTES` | `ECS_SUPERVISOR_LEASE` | `60` |" in options_table(OPTIONS.values())
    assert (
        r"| `--signal-target main\|group` | `ECS_SUPERVISOR_SIGNAL_TARGET` | the profile's |"
        in options_table(OPTIONS.values())
    )
