"""An option has one name, in three places."""

from __future__ import annotations

import re

import pytest

from supervisor.config.option import Option
from supervisor.config.options import OPTIONS

every_option = pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.key)


@every_option
def test_flag_variable_and_key_are_the_same_words(option: Option) -> None:
    """Who knows one of the three knows the others."""
    assert re.fullmatch("[a-z]+(_[a-z]+)*", option.key)
    assert option.flag == "--" + option.key.replace("_", "-")
    assert option.name == option.flag[2:]
    assert option.variable == "ECS_SUPERVISOR_" + option.key.upper()
