"""Writes log lines from a thread of its own, so that a reader who does not read can stall the log and nothing else.

The descriptor is not made non-blocking: that flag belongs to the open file, which the worker shares, and would break the
worker's own output (open(2)). What does not fit into the queue and what cannot be written is counted, and the next line that gets
through says how much is missing.
"""

from __future__ import annotations

import os
import select
from _queue import Empty, SimpleQueue
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from supervisor.core.effects import Level, Note

# A minute of a busy log; the memory of a stalled one stays small.
CAPACITY_LINES = 1000

_ORDER = tuple(Level)

Line = Callable[[Note, Sequence[tuple[str, object]], float], str]


class LogStream:
    """Fulfils ports.Log.

    Lines wait until `let_go`: the writing thread would otherwise wake in the middle of the decider's work and take the
    interpreter from it just when a worker is to be signalled. line: renders a note, its context and the time. least: what is
    less important is left out. spawn_thread: starts the writing thread.
    """

    def __init__(
        self,
        descriptor: int,
        line: Line,
        least: Level,
        wall: Callable[[], float],
        spawn_thread: Callable[[str, Callable[[], None]], None],
        capacity: int = CAPACITY_LINES,
    ) -> None:
        self._descriptor = descriptor
        self._line = line
        self._levels = _ORDER[_ORDER.index(least) :]
        self._wall = wall
        self._capacity = capacity
        # What is to be written, in order; one thread takes from it, and each that adds to it rings.
        self._waiting: deque[Callable[[], object]] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()
        # Each is counted by one thread only: turned away by the caller's, failed and told by the writing one.
        self._turned_away = 0
        self._failed = 0
        self._told = 0
        spawn_thread("log", self._work)

    def write(self, note: Note, context: Sequence[tuple[str, object]]) -> None:
        if note.level in self._levels:
            wall = self._wall()
            self._add(lambda: self._write_line(note, context, wall))

    def write_block(self, text: Callable[[], str]) -> None:
        """Write some lines that are no log lines, made when their turn comes."""
        self._add(lambda: self._write_out(text()))

    def let_go(self) -> None:
        """Let the lines so far be written."""
        if self._waiting:
            self._bell.put(None)

    def flush(self, limit: float) -> None:
        # Another bell in place of an Event, which is code to run: somebody waits for our exit.
        done: SimpleQueue[None] = SimpleQueue()
        self._waiting.append(partial(done.put, None))
        self.let_go()
        with suppress(Empty):
            done.get(timeout=limit)

    @property
    def dropped(self) -> int:
        return self._turned_away + self._failed

    def _add(self, work: Callable[[], object]) -> None:
        if len(self._waiting) < self._capacity:
            self._waiting.append(work)
        else:
            self._turned_away += 1

    def _work(self) -> None:
        while True:
            self._bell.get()
            while self._waiting:
                self._waiting.popleft()()

    def _write_line(self, note: Note, context: Sequence[tuple[str, object]], wall: float) -> None:
        missing = self.dropped - self._told
        if missing:
            context = (*context, ("dropped_lines", missing))
        if self._write_out(self._line(note, context, wall)):
            self._told += missing

    def _write_out(self, text: str) -> bool:
        """Say whether all of it was written; wait as long as it takes."""
        left = memoryview(f"{text}\n".encode(errors="replace"))
        try:
            while left:
                try:
                    left = left[os.write(self._descriptor, left) :]
                except BlockingIOError:
                    # Somebody else has made the shared file non-blocking.
                    _wait_until_writable(self._descriptor)
        except OSError:
            self._failed += 1
            return False
        return True


def _wait_until_writable(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.poll()
