"""Sees work in a file that is there while a job runs."""

from __future__ import annotations

import os

from supervisor.core.probing import Busy, Idle, Sample, Unknown


class File:
    def __init__(self, path: str) -> None:
        self._path = path

    def look(self) -> Sample:
        try:
            os.stat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return Idle()
        except OSError as error:
            return Unknown(f"{self._path}: {error.strerror or error}")
        return Busy(self._path)
