"""The command line above the commands."""

from __future__ import annotations

import os

import pytest

from supervisor import __version__
from supervisor.cli.main import dispatch
from supervisor.core.status import USAGE


@pytest.mark.parametrize("words", [["--help"], ["-h"]])
def test_help_names_every_command(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    """On stdout, with status 0."""
    assert dispatch(words) == 0
    output, errors = capfd.readouterr()
    assert "\n  run  " in output
    assert "\n  demo " in output
    assert errors == ""


def test_no_command_at_all_is_wrong_usage(capfd: pytest.CaptureFixture[str]) -> None:
    """The help goes to stderr then, and the status says that nothing was done."""
    assert dispatch([]) == USAGE
    output, errors = capfd.readouterr()
    assert output == ""
    assert errors.startswith("Usage: ecs-supervisor COMMAND")


def test_the_version_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    """With the interpreter's, which is the next question."""
    assert dispatch(["--version"]) == 0
    assert capfd.readouterr().out.startswith(f"ecs-supervisor {__version__} (Python 3.")


def test_an_unknown_command_is_answered_with_the_known_ones(capfd: pytest.CaptureFixture[str]) -> None:
    """One sentence: what is wrong, what follows, what to do."""
    assert dispatch(["rn", "--", "worker"]) == USAGE
    assert capfd.readouterr().err == (
        "ecs-supervisor: `rn` is no command, so nothing was started; give one of run, sidecar, sqsd, eb-cron, status, holds, quiet, resume,"
        " drain, hold, doctor, demo, --help, --version (did you mean run?), as in `ecs-supervisor run -- COMMAND`.\n"
    )


def test_help_that_nobody_gets_is_a_failure(capfd: pytest.CaptureFixture[str]) -> None:
    """A closed stdout is told by the status, not by a traceback."""
    with capfd.disabled():
        kept = os.dup(1)
        os.close(1)
        try:
            assert dispatch(["--help"]) == 1
        finally:
            os.dup2(kept, 1)
            os.close(kept)
