"""Keeps this process connected to its supervisor: a daemon thread that connects, listens, and connects again after a loss.

It starts at the first use, and nowhere where no supervisor is named and nobody can be elected. A connection is published
before the open holds are said on it, and a hold is noted before it is said: every hold is said at least once.
"""

from __future__ import annotations

import _thread
import os
import threading
import time
from collections.abc import Mapping
from typing import Protocol

from . import _at_exit, _election, _whereabouts
from ._breath import Breath
from ._link import Link

# Between attempts to connect. The worker is started before the socket exists, so the first attempt often
# fails; the last delay is what a worker pays for ever where its supervisor is gone.
FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 5.0
# A supervisor gone for so long says nothing any more: the gate opens again.
FORGET_SECONDS = 10.0
# For the supervisor's first word, from the first use: a gate is not open because nobody has answered yet.
FIRST_WORD_SECONDS = 0.5

# The number, which no hold has, under which a link knows the standing lines.
STANDING = 0


class Speaker(Protocol):
    """Who is heard over it. holds: what is open, by number; always the same object."""

    @property
    def holds(self) -> Mapping[int, str | bytes]: ...

    def line_for(self, number: int) -> bytes:
        """Return what is true of a hold, and for STANDING all that is to be said first."""

    def hear(self, line: bytes) -> None:
        """Take a line of the supervisor."""

    def lose(self, for_long: bool) -> None:
        """Take that there is no connection, just now or for long."""


class Connection:
    """link, breath: where to speak, None while there is no connection. path: None before the first use."""

    __slots__ = (
        "_is_over",
        "_reading",
        "_speaker",
        "_supervisor",
        "breath",
        "first_word_deadline",
        "is_started",
        "link",
        "path",
    )

    def __init__(self, speaker: Speaker) -> None:
        self.link: Link | None = None
        self.breath: Breath | None = None
        self.path: str | None = None
        self.first_word_deadline = 0.0
        self._speaker = speaker
        self._supervisor = 0
        # Whether there is a supervisor to listen to, as far as is known.
        self.is_started = False
        self._is_over = False
        self._reading = threading.Lock()

    def start(self) -> bool:
        """Begin to listen at the first use; whether there is a supervisor to listen to."""
        if self.path is None:
            self.path = _whereabouts.path()
        if not self.path or self._is_over:
            return False
        self.first_word_deadline = time.monotonic() + FIRST_WORD_SECONDS
        # Before the thread: a hold that is noted from now on will be said when the connection stands.
        self.is_started = True
        try:
            _thread.start_new_thread(self._run, ())
        except BaseException as error:
            self.is_started = False
            # RuntimeError: no more threads, or the interpreter is ending. Anything else was thrown at the
            # job.
            if not isinstance(error, RuntimeError):
                raise
        return self.is_started

    @property
    def is_cut_off(self) -> bool:
        """Whether there was a connection to a supervisor, and there is none now."""
        return self.link is None and self._supervisor > 0

    def supervisor_is_dead(self) -> bool:
        """Whether the process that supervised this one has ended; False where that cannot be known."""
        # An arbiter is one of the worker's own processes: its end is not the end of a supervision.
        if not self.is_cut_off or _whereabouts.is_elected(self.path):
            return False
        try:
            os.kill(self._supervisor, 0)
            with open(f"/proc/{self._supervisor}/stat", "rb") as file:
                # Its state comes after its name, which may hold anything. Z: dead, and not reaped by whoever started it.
                return file.read().rpartition(b")")[2].split()[:1] == [b"Z"]
        except ProcessLookupError:
            return True
        except OSError:
            return False  # another user's, whom we may not ask about

    def forsake(self, keep: bool) -> Link | None:
        """Fall silent, in a forked child: the connection is its parent's. keep: return it, open."""
        self._is_over = True
        self.is_started = False
        link, self.link, self.breath = self.link, None, None
        if link is not None and not keep:
            link.forsake()
        return link if keep else None

    def _run(self) -> None:
        if not self._reading.acquire(blocking=False):
            return  # several jobs began at once, and another one's thread was first
        _at_exit.call(self._leave)
        delay = FIRST_RETRY_SECONDS
        lost_at = time.monotonic()
        pause = threading.Event()
        while not self._is_over:
            connected_at = time.monotonic()
            try:
                self._converse()
                lost_at = time.monotonic()
            except OSError:
                # Nobody listens there, yet or any more. Without a supervisor, one of the processes does its part.
                _election.stand(self.path or "")
            if lost_at - connected_at > LAST_RETRY_SECONDS:
                delay = FIRST_RETRY_SECONDS
            if time.monotonic() - lost_at > FORGET_SECONDS:
                self._speaker.lose(for_long=True)
            # Up to half of it more: the processes of a pool all lost their supervisor at the same instant.
            pause.wait(delay * (1 + os.urandom(1)[0] / 512))
            delay = min(delay * 2, LAST_RETRY_SECONDS)

    def _converse(self) -> None:
        line_for = self._speaker.line_for
        link = Link(self.path or "", line_for)
        standing = line_for(STANDING)
        link.tell(STANDING, standing)
        self._supervisor = link.peer
        self.breath = Breath(link, self._speaker.holds)
        self.link = link
        # What was added to the standing lines in between is said with all of them.
        changed = [STANDING] if line_for(STANDING) != standing else []
        link.tell_later([*changed, *list(self._speaker.holds)])
        try:
            for line in link.lines():
                if self._is_over:
                    return
                self._speaker.hear(line)
        finally:
            if not self._is_over:
                self.link = self.breath = None
                link.hang_up()
                # Who waits may want to know that there is nobody to wait for.
                self._speaker.lose(for_long=False)

    def _leave(self) -> None:
        """At the end of the process: say what is true, then let go what nobody needs."""
        breath = self.breath
        if breath is not None and not self._is_over:
            breath.rest()
        _election.leave()
