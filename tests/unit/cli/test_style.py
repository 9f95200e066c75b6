"""When there is colour."""

from __future__ import annotations

import io

import pytest

from supervisor.cli.style import make_console


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(stream: io.StringIO) -> str:
    make_console(stream).print("kept", style="good", end="")
    return stream.getvalue()


@pytest.fixture(autouse=True)
def usual_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def test_a_terminal_has_colour() -> None:
    """The meanings of the theme are colours there."""
    assert printed(Terminal()) == "\x1b[32mkept\x1b[0m"


def test_a_file_has_none() -> None:
    """What is piped or redirected is plain text, wide enough for a table."""
    stream = io.StringIO()
    assert printed(stream) == "kept"
    assert make_console(stream).width == 110


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a terminal."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert "32" not in printed(Terminal())


def test_a_dumb_terminal_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would print the codes."""
    monkeypatch.setenv("TERM", "dumb")
    assert printed(Terminal()) == "kept"
