"""What the small commands print: written without a library, in colour only where a person sees it."""

from __future__ import annotations

import os

from supervisor.adapters.control_client import UnansweredError
from supervisor.render.overview import overview

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# The colours of style.py, as a terminal takes them (ECMA-48, SGR).
_COLOURS = {"good": "32", "warning": "33", "bad": "1;31", "title": "1"}


def write(text: str, descriptor: int = 1) -> int:
    """Write all of a text and return 0, or 1 where nobody reads it any more."""
    left = text.encode(errors="surrogateescape")
    try:
        while left:
            left = left[os.write(descriptor, left) :]
    except OSError:
        return 1
    return 0


def lines_of(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the lines of the screen with their moods. Raise UnansweredError where it was no supervisor that answered."""
    from supervisor.adapters.clock import SystemClock

    try:
        return overview(document, SystemClock().wall())
    except ValueError as error:
        raise UnansweredError(str(error)) from None


def coloured(lines: list[tuple[str, str]], descriptor: int, environ: Mapping[str, str]) -> str:
    """Return the lines as one text: in colour on a terminal, never with NO_COLOR or TERM=dumb."""
    wants = os.isatty(descriptor) and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return "".join(f"{_coloured(line, mood) if wants else line}\n" for line, mood in lines)


def _coloured(line: str, mood: str) -> str:
    return f"\x1b[{_COLOURS[mood]}m{line}\x1b[0m" if mood else line
