"""The table of the options of `run`."""

from __future__ import annotations

import re

import pytest

from supervisor.config.load import load
from supervisor.config.option import Option
from supervisor.config.options import OPTIONS, RUN
from supervisor.config.settings import RunSettings

every_option = pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.key)


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


@pytest.mark.parametrize("flag", RUN.switches)
def test_a_switch_needs_no_value(flag: str) -> None:
    """It sets its option, and what follows it is COMMAND."""
    key, text = RUN.switches[flag]
    settings = load([flag, "worker"], {}, str)
    assert isinstance(settings, RunSettings)
    assert settings == load([f"{OPTIONS[key].flag}={text}", "worker"], {}, str)
    assert settings.command == ("worker",)
