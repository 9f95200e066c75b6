"""When the small commands print in colour."""

from __future__ import annotations

import os

import pytest

from supervisor.adapters.control_client import UnansweredError
from supervisor.cli.output import coloured, lines_of, write

LINES = [("task", "good"), ("next", "")]


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"TERM": "xterm"}, "\x1b[32mtask\x1b[0m\nnext\n"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "task\nnext\n"),
        ({"TERM": "dumb"}, "task\nnext\n"),
    ],
)
def test_a_terminal_has_colour_unless_it_is_not_wanted(environ: dict[str, str], said: str) -> None:
    """NO_COLOR and TERM=dumb are respected."""
    master, slave = os.openpty()
    try:
        assert coloured(LINES, slave, environ) == said
    finally:
        os.close(slave)
        os.close(master)


def test_a_pipe_has_none() -> None:
    """What is piped is plain text."""
    reader, writer = os.pipe()
    assert coloured(LINES, writer, {"TERM": "xterm"}) == "task\nnext\n"
    assert write("said\n", writer) == 0
    assert os.read(reader, 100) == b"said\n"
    os.close(reader)
    assert write("lost\n", writer) == 1
    os.close(writer)


def test_what_is_no_state_is_a_sentence() -> None:
    """Something else may listen at that port."""
    with pytest.raises(UnansweredError, match="not as a supervisor has it"):
        lines_of({"hello": "world"})
