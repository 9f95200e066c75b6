"""The table of options, and what is made of it."""

from __future__ import annotations

import re

import pytest

from supervisor.config.load import load
from supervisor.config.options import OPTIONS, RUN, Option, options_help, options_table
from supervisor.config.settings import RunSettings

every_option = pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.key)


@every_option
def test_flag_variable_and_key_are_the_same_words(option: Option) -> None:
    """Who knows one of the three knows the others."""
    assert re.fullmatch("[a-z]+(_[a-z]+)*", option.key)
    assert option.flag == "--" + option.key.replace("_", "-")
    assert option.name == option.flag[2:]
    assert option.variable == "ECS_SUPERVISOR_" + option.key.upper()


@every_option
def test_a_quantity_names_its_unit(option: Option) -> None:
    """The placeholder is the unit, a list of choices, or what the text is."""
    assert re.fullmatch("[A-Z]+(=[A-Z]+,\\.\\.\\.)?", option.value) or option.value == "|".join(
        option.choices
    )


@every_option
def test_a_default_can_be_written_out(option: Option) -> None:
    """Giving an option its default changes nothing; an option without one says what happens instead."""
    if not option.has_default:
        assert option.default not in option.choices
        return
    settings = load([f"{option.flag}={option.default}", "--", "worker"], {}, str)
    assert settings == load(["--", "worker"], {}, str)
    assert isinstance(settings, RunSettings)


@every_option
def test_every_choice_is_accepted(option: Option) -> None:
    """What the help offers works."""
    for choice in option.choices:
        assert isinstance(load([f"{option.flag}={choice}", "worker"], {}, str), RunSettings)


@every_option
def test_the_help_names_every_option(option: Option) -> None:
    """Its flag, what to write after it, what it means and what holds without it."""
    text = " ".join(options_help().split())
    assert f"{option.written} {option.meaning}" in text


@pytest.mark.parametrize("flag", RUN.switches)
def test_a_switch_needs_no_value(flag: str) -> None:
    """It sets its option, and what follows it is COMMAND."""
    key, text = RUN.switches[flag]
    settings = load([flag, "worker"], {}, str)
    assert isinstance(settings, RunSettings)
    assert settings == load([f"{OPTIONS[key].flag}={text}", "worker"], {}, str)
    assert settings.command == ("worker",)


def test_lines_of_the_help_are_short() -> None:
    """They fit on a screen of 100 columns, and the text is indented below its flag."""
    lines = options_help().splitlines()
    assert max(len(line) for line in lines) <= 100
    assert all(re.match("  --|        \\S", line) for line in lines)


def test_the_table_has_a_row_for_every_option() -> None:
    """Markdown with four cells in every row, in the order of the table in the code."""
    head, rule, *rows = options_table().splitlines()
    assert head == "| Flag | Variable | Default | Meaning |"
    assert rule == "|---|---|---|---|"
    cells = [re.split(r"(?<!\\)\|", row)[1:-1] for row in rows]
    assert [row[0].split()[0].strip("` ") for row in cells] == [option.flag for option in OPTIONS.values()]
    assert all(len(row) == 4 for row in cells)
    assert "| `--lease MINUTES` | `ECS_SUPERVISOR_LEASE` | `60` |" in options_table()
    assert (
        r"| `--signal-target main\|group` | `ECS_SUPERVISOR_SIGNAL_TARGET` | the profile's |"
        in options_table()
    )
