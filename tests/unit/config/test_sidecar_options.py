"""The options of a sidecar in its help, and those of `run` that are none."""

from __future__ import annotations

import pytest

from supervisor.config.load import Answer
from supervisor.config.option import Option
from supervisor.config.options import OPTIONS
from supervisor.config.sidecar import load
from supervisor.config.sidecar_options import SIDECAR


@pytest.mark.parametrize("option", SIDECAR.options.values(), ids=lambda option: option.flag)
def test_the_help_names_every_option(option: Option) -> None:
    """Its own and those of `run` that mean something here."""
    answer = load(["--help"], {}, str)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.problems) == (0, ())
    assert option.written in answer.text


@pytest.mark.parametrize("key", ["restart", "attach", "remap_exit", "signal_target", "probe", "probe_settle"])
def test_options_about_a_worker_of_our_own_are_none(key: str) -> None:
    """They would promise what cannot happen."""
    assert key in OPTIONS
    assert key not in SIDECAR.options
