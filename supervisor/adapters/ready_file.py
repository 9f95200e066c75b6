"""A file that exists exactly while new work is welcome, for a health check that looks for it.

ECS ends a task whose health check fails, which is what is wanted: a task is quiet or on its way out when it is gone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from supervisor.core.effects import Announce, Level, Note, note

# Anybody may look whether it exists; that needs no right to write it.
_MODE = 0o644


class ReadyFile:
    """Follows what is announced. tell: takes a note where the file cannot be made or removed; it is told once."""

    def __init__(self, path: str, tell: Callable[[Note], None]) -> None:
        self._path = path
        self._tell = tell
        self._told = False
        self._is_there: bool | None = None
        # One that an earlier run has left says nothing about this one.
        self._put(False)

    def announce(self, news: Announce) -> None:
        self._put(news.accepting and not news.stopping and news.phase != "starting")

    def close(self) -> None:
        """Remove it."""
        self._put(False)

    def _put(self, wanted: bool) -> None:
        if wanted is self._is_there:
            return
        self._is_there = wanted
        try:
            if wanted:
                os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, _MODE))
            else:
                with suppress(FileNotFoundError):
                    os.unlink(self._path)
        except OSError as error:
            self._fail(wanted, error)

    def _fail(self, wanted: bool, error: OSError) -> None:
        if self._told:
            return
        self._told = True
        so = (
            "the health check sees a worker that is not ready"
            if wanted
            else "the health check sees a ready worker"
        )
        self._tell(
            note(
                "ready_file.failed",
                Level.WARNING,
                path=self._path,
                why=error.strerror or str(error),
                so=so,
                fix="name a file in a directory that this user may write with --ready-file",
            )
        )
