"""A queue in a directory: a job is a file, and taking it is a rename, which the kernel lets only one worker do.

Like most queues it gives a job out again when its worker has fallen silent; so a job whose worker was killed is not
forgotten but run twice.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

# A worker that is alive is heard of several times in this.
SILENCE_SECONDS = 3.0
HEARTBEAT_SECONDS = 0.5


class Claim:
    """A job that this worker has taken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.job = path.name
        self.seconds = float(path.read_text(encoding="ascii"))

    def beat(self) -> None:
        """Say that the worker is alive."""
        # Given to somebody else already: this worker was stopped for longer than the queue waits.
        with contextlib.suppress(FileNotFoundError):
            os.utime(self._path)

    def finish(self) -> None:
        """Take the job out of the queue."""
        self._path.unlink(missing_ok=True)


class Queue:
    """Workers claim; the owner puts jobs in and gives the silent ones out again."""

    def __init__(self, directory: Path) -> None:
        self._waiting = directory / "waiting"
        self._claimed = directory / "claimed"
        self._closed = directory / "closed"
        self._heard: dict[str, tuple[int, float]] = {}
        for path in (self._waiting, self._claimed):
            path.mkdir(parents=True, exist_ok=True)

    @property
    def is_empty(self) -> bool:
        """Whether no job is waiting or being worked on."""
        return not any(self._claimed.iterdir()) and not any(self._waiting.iterdir())

    @property
    def is_closed(self) -> bool:
        """Whether there will be no more jobs, and nobody cares for those there are."""
        return self._closed.exists()

    def close(self) -> None:
        """Send the workers home."""
        self._closed.touch()

    def put(self, job: str, seconds: float) -> None:
        """Add a job that takes so long; jobs are given out in the order of their names."""
        # Written beside the two directories, so that nobody claims half a file.
        path = self._waiting.parent / job
        path.write_text(repr(seconds), encoding="ascii")
        path.rename(self._waiting / job)

    def claim(self) -> Claim | None:
        """Take the first job that nobody else takes before."""
        for name in sorted(os.listdir(self._waiting)):
            mine = self._claimed / name
            try:
                (self._waiting / name).rename(mine)
            except FileNotFoundError:
                continue
            return Claim(mine)
        return None

    def give_out_again(self, now: float) -> list[str]:
        """Put back the jobs whose workers have been silent for too long; return their names."""
        silent = []
        heard = {}
        for path in sorted(self._claimed.iterdir()):
            try:
                beat = path.stat().st_mtime_ns
            except FileNotFoundError:
                continue
            # Counted from when a beat was seen, because file times are wall time, which jumps.
            known, since = self._heard.get(path.name, (0, now))
            heard[path.name] = (beat, since if known == beat else now)
            if now - heard[path.name][1] >= SILENCE_SECONDS:
                with contextlib.suppress(FileNotFoundError):
                    path.rename(self._waiting / path.name)
                    silent.append(path.name)
        self._heard = {name: value for name, value in heard.items() if name not in silent}
        return silent
