"""Says what jobs do: at once while they come slowly, and a breath later, many at a time, while they come fast.

A line for each begin and end costs little, but the supervisor has to decide on it, on the same processors: for jobs of a
millisecond that is a part of their time that shows. While breathing, a begin and an end are only noted, and one thread says
every BREATH_SECONDS what is true by then. A job that came and went in between is only counted.

Rules
  1. The supervisor never takes this process for idle while a job runs. Breathing begins with a job that is said when ends are
     noted already, the stand-in: over there it runs, and others may begin unsaid. Only the thread says ends, the stand-in's not
     before another can stand in. Where nothing has begun for a breath it stops: first no begin is noted any more, then,
     when all that began is said, no end.
  2. So what is late does no harm: which job runs, and that the last one has ended. Where somebody waits for that it is not
     late: with the gate shut, or a stop begun, there is no breathing.
  3. Holds that ask, expire, or only look for work cannot stand in for others: their begin is always said at once.
  4. No lock on a job's way, as in _client.py. Who begins or ends a job notes it and looks afterwards whether that was still
     welcome, else he says it himself; the thread takes what was noted after it has said that it no longer is. One of the two
     says it, and twice is harmless.

Mind: the thread is not there while jobs come slowly, and so neither in a child forked then nor in an idle process.
"""

from __future__ import annotations

import _thread
import contextlib
import itertools
import threading
import time
from collections.abc import Mapping, Sequence

from . import _words as words
from ._link import NEW, OWED, Link

# How late the supervisor hears: nobody can wait for it (rule 2). What it costs is this often, whatever the number of jobs,
# and the supervisor's turn for it costs as much as a tenth of a job of a millisecond, or more where others use the caches.
BREATH_SECONDS = 0.5
# Jobs come fast when so many in a row begin so soon after one another: a breath has to be worth its thread, and where there
# are few each is told by its name.
FAST_SECONDS = 0.1
FAST_JOBS = 10
# How often a stand-in is looked for within a breath: until then every begin is said.
_STARTS = 100

# A hold, whether its beginning is NEW, and what is said of it.
Said = tuple[int, int, bytes]


class Breath:
    """Of one connection. holds: what is open, by number; a text is the name of a job that is only to be named."""

    __slots__ = (
        "_began_at",
        "_fast_jobs",
        "_holds",
        "_is_welcome",
        "_link",
        "_noted",
        "_notes_begins",
        "_notes_ends",
        "_passed",
        "_said_last",
        "_saying",
        "_speaking",
        "_stand_in",
        "_told",
    )

    def __init__(self, link: Link, holds: Mapping[int, str | bytes]) -> None:
        self._link = link
        self._holds = holds
        self._notes_begins = False
        self._notes_ends = False
        self._is_welcome = True
        self._noted: dict[int, int] = {}
        # Counts jobs that came and went; `next` of it is atomic. How far it had come when it was told last.
        self._passed = itertools.count()
        self._told = 0
        self._said_last = 0
        self._stand_in = 0
        self._began_at = float("-inf")
        self._fast_jobs = 0
        self._speaking = threading.Lock()
        self._saying = threading.Lock()

    def begin(self, number: int, about: str) -> None:
        """Say that a job begins, or note it."""
        self._noted[number] = NEW
        if self._notes_begins:
            return
        self._noted.pop(number, None)
        self._link.begin(number, words.hold(number, about, None))
        self._said_last = number
        now = time.monotonic()
        self._fast_jobs = self._fast_jobs + 1 if now - self._began_at < FAST_SECONDS else 0
        self._began_at = now
        if self._fast_jobs >= FAST_JOBS and self._is_welcome and not self._speaking.locked():
            # RuntimeError: no more threads, or the interpreter is ending.
            with contextlib.suppress(RuntimeError):
                _thread.start_new_thread(self._breathe, ())

    def rename(self, number: int, about: str) -> None:
        """Say what an open job is called, or note that it has to be said."""
        self._noted.setdefault(number, OWED)
        if self._notes_begins:
            return
        self._noted.pop(number, None)
        self._link.tell(number, words.hold(number, about, None))

    def end(self, number: int) -> None:
        """Say that a hold has ended, or note it."""
        if self._noted.pop(number, OWED) is NEW:
            next(self._passed)
            return
        self._noted[number] = OWED
        if self._notes_ends:
            if not self._link.is_owed(number):
                self._noted.pop(number, None)  # there was no room for its begin
            return
        self._noted.pop(number, None)
        self._link.end(number, words.release(number))

    def rest(self) -> None:
        """Say what was noted, and everything at once from now on, until breathing is welcome again. Never on a job's way."""
        self._is_welcome = False
        self._stop()

    def welcome(self) -> None:
        """Let it breathe where jobs come fast."""
        self._is_welcome = True

    def _breathe(self) -> None:
        if not self._speaking.acquire(blocking=False):
            return  # two began at once
        try:
            pause = threading.Event()
            self._start(pause)
            while self._notes_begins and not pause.wait(BREATH_SECONDS):
                self._say_noted()
        finally:
            self._stop()
            self._speaking.release()

    def _start(self, pause: threading.Event) -> None:
        """Find a stand-in: the first job that is said when ends are noted already. Then others may begin unsaid.

        It may have come and gone when it is looked at: its end is only noted, so over there it still runs. A job that has to
        be caught running would hardly ever be: short ones seldom let go of the interpreter before they end.
        """
        with self._saying:
            self._notes_ends = True
            before = self._said_last
        for _ in range(_STARTS):
            if self._said_last != before or pause.wait(BREATH_SECONDS / _STARTS):
                break
        with self._saying:
            # It may have been told to rest meanwhile.
            if self._said_last != before and self._notes_ends and self._is_welcome:
                self._stand_in = self._said_last
                self._notes_begins = True

    def _say_noted(self) -> None:
        """Say it, but for the stand-in's end where no other can stand in. Where nothing has begun it is time to stop."""
        with self._saying:
            if not self._notes_begins:
                return  # it was told to rest meanwhile
            running, over = self._take_noted()
            count = self._count()
            if running:
                self._stand_in = running[-1][0]
            kept = [] if running else [said for said in over if said[0] == self._stand_in]
            self._noted.update((number, OWED) for number, _, _ in kept)
            self._tell((*running, *(said for said in over if said not in kept)), count)
            has_begun = bool(running or count)
        if not has_begun:
            self._stop()

    def _stop(self) -> None:
        """Say all. First no begin is noted any more; then, when all that began is said, no end either."""
        with self._saying:
            self._notes_begins = False
            running, over = self._take_noted()
            self._tell((*running, *over), self._count())
            self._notes_ends = False
            # Who is at his begin by now says it himself.
            _, over = self._take_noted()
            self._tell(over, 0)

    def _count(self) -> int:
        """Return how many came and went and were not told yet."""
        count = next(self._passed) - self._told
        self._told += 1  # this call of `next` is no job
        return count

    def _tell(self, said: Sequence[Said], count: int) -> None:
        if said or count:
            was_told = self._link.tell_all(said, words.did(count) if count else b"")
            self._told += count if was_told else 0

    def _take_noted(self) -> tuple[list[Said], list[Said]]:
        """Return what runs and what is over of it. A job that came and went is only counted."""
        running: list[Said] = []
        over: list[Said] = []
        for number in list(self._noted):
            standing = self._noted.pop(number, None)
            held = self._holds.get(number)
            if standing is None:
                continue  # came and went while we looked
            if held is not None:
                running.append((number, standing, words.truth(number, held)))
            elif standing is NEW:
                next(self._passed)
            elif self._link.is_owed(number):
                over.append((number, OWED, words.release(number)))
        return running, over
