"""Sees work in the titles that processes give themselves (Sidekiq's `[1 of 5 busy]`, Resque's `Processing`)."""

from __future__ import annotations

from collections.abc import Callable

from supervisor.core.probing import Busy, Idle, Sample, Unknown

from .family import NOBODY, Family

# A title may be as long as a command line; nobody reads more than this of it.
LONGEST_ABOUT = 80


class Title:
    """With a group in the expression its text says how much is going on, and some title must have it."""

    def __init__(self, expression: str, family: Callable[[], Family]) -> None:
        import re

        self._search = re.compile(expression).search
        self._has_group = re.compile(expression).groups > 0
        self._family = family()

    def look(self) -> Sample:
        members = self._family.members()
        if not members:
            return NOBODY
        is_idle = not self._has_group
        for member in members:
            title = self._family.title(member)
            found = self._search(title)
            if found is not None and (not self._has_group or not _is_nothing(found[1])):
                return Busy(title[:LONGEST_ABOUT])
            is_idle = is_idle or found is not None
        return Idle() if is_idle else Unknown("no process has a title that matches")


def _is_nothing(text: str | None) -> bool:
    return text is None or not text.strip().strip("0")
