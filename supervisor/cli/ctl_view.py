"""The picture of `status --watch`: the screen of `status`, drawn again in its place."""

from __future__ import annotations

from typing import IO, Any

from rich.live import Live
from rich.text import Text

from .output import lines_of
from .style import make_console


class Screen:
    def __init__(self, stream: IO[str]) -> None:
        self._live = Live(console=make_console(stream), auto_refresh=False)
        self._live.start()

    def show(self, document: dict[str, Any]) -> int:
        """Draw; return 0, as what writes to a pipe does while somebody reads it."""
        lines = [Text(line, mood, no_wrap=True, overflow="ellipsis") for line, mood in lines_of(document)]
        self._live.update(Text("\n").join(lines), refresh=True)
        return 0

    def close(self) -> None:
        """Leave the last picture where it is."""
        self._live.stop()
