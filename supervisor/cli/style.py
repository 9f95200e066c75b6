"""The console of the commands that people watch, in one place: when there is colour, and what the colours mean.

Colour only on a terminal, never with NO_COLOR (no-color.org) or TERM=dumb; nothing is told by colour alone.
"""

from __future__ import annotations

from typing import IO

from rich.console import Console
from rich.theme import Theme

_MEANINGS = Theme(
    {
        "good": "green",
        "bad": "bold red",
        "warning": "yellow",
        "quiet": "dim",
        "title": "bold",
        "busy": "cyan",
    }
)

# Where there is no terminal to ask: wide enough for our tables, so that a log shows them unbroken.
_PLAIN_WIDTH = 110


def make_console(stream: IO[str]) -> Console:
    """Return the console for a stream."""
    console = Console(file=stream, theme=_MEANINGS, highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = _PLAIN_WIDTH
    return console
