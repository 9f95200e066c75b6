"""Builds an arbiter inside a worker's process and runs it there: a second composition root, beside supervisor/boot.

In hook-only mode (supervisor/hooks/_election.py says when, and who) there is no supervisor, and one of the worker's own processes
does what a supervisor does about protection: the same core, agent and socket, in a daemon thread.

Rules
  1. The core is told of one worker that somebody else has started: this process. No signal is ever sent to it, it is never started
     again, and what is not asked of it never ends; so the task is RUNNING, or QUIET while protection wants it (blocked by a
     deployment, the protected-time budget spent), which closes the gates of all hooks as it does under `run`.
  2. An arbiter begins with a look at the task's protection and adopts what an earlier one left. It lets go only when nobody
     has worked for RECONNECT_SECONDS, however short the release delay: by then every client of its predecessor has come back.
  3. When its process ends in order and nobody else is connected, the worker is told to have exited: the core lets protection go
     and ends. While others are connected the arbiter serves them to its last moment, and they elect another.
  4. The thread rests only where it waits for the selector. Everywhere else it holds `at_work`, and a fork waits for it.
  5. A defect here ends the arbiter and never the worker; another process is elected.

Everything is imported at the head of this file and by what is imported there: afterwards the process may fork at any moment.
"""

from __future__ import annotations

import os
import select
import selectors
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from supervisor.adapters.clock import SystemClock
from supervisor.adapters.ecs_agent import EcsAgent
from supervisor.adapters.last_words import say
from supervisor.adapters.log_stream import LogStream
from supervisor.config.policies import RECONNECT_SECONDS as RECONNECT_SECONDS
from supervisor.config.settings import RunSettings
from supervisor.core.effects import Level, Note, note
from supervisor.core.engine import Engine
from supervisor.core.events import Event, Tick, WorkerExited, WorkerSpawned
from supervisor.core.instants import earliest
from supervisor.core.names import WorkerName
from supervisor.render.logline import as_human, as_json
from supervisor.runtime.background import Background
from supervisor.runtime.crash import traced
from supervisor.runtime.inbox import Inbox, Question
from supervisor.runtime.journal import Journal
from supervisor.runtime.perform import Performer

from .parts import Elsewhere, OwnHooks
from .settings import make_policy, read_settings

WORKER = WorkerName("worker")

# It lives in a worker's memory, and is read after a defect only.
_JOURNAL_ENTRIES = 200

_FORK_TURN_SECONDS = 0.002

_STANDARD_ERROR = 2
_LONGEST_FLUSH_SECONDS = 0.2
# epoll takes at most 24 days.
_LONGEST_WAIT_SECONDS = 86_400.0


class AtWork(Protocol):
    """What hooks/_election.py has of that name. wanted: not empty while another thread waits to fork."""

    @property
    def wanted(self) -> Collection[object]: ...

    def acquire(self) -> object: ...

    def release(self) -> None: ...

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class Arbiter:
    """listener: the descriptor of the socket at `path`. at_work: held while a fork would tear something apart."""

    def __init__(self, listener: int, path: str, environ: Mapping[str, str], at_work: AtWork) -> None:
        settings, doubts = read_settings(environ)
        self._at_work = at_work
        self._pid = os.getpid()
        self._clock = clock = SystemClock()
        self._selector = selectors.DefaultSelector()
        self._facts: deque[Event] = deque()
        self._inbox = Inbox()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._is_asked_to_leave = False
        self._has_left = threading.Event()
        self._engine = Engine(make_policy(settings, WORKER, RECONNECT_SECONDS), clock.now())
        self._journal = Journal(clock.now(), _JOURNAL_ENTRIES)
        self._hooks = OwnHooks(listener, path, self._selector, clock, self._facts.append)
        background = Background(self._thread_died)
        self._log = LogStream(
            _STANDARD_ERROR,
            as_human if settings.log_format == "human" or _is_on_terminal(settings) else as_json,
            Level(settings.log_level),
            clock.wall,
            background.start,
        )
        self._protector = EcsAgent(settings.agent_uri or "", background.start, clock.wall)
        self._protector.start(self._inbox.post)
        self._performer = Performer(
            Elsewhere(), self._hooks, self._protector, self._log, self._context, lambda: None, 0.0
        )
        self._selector.register(self._inbox.fileno(), selectors.EVENT_READ, self._take_answers)
        self._selector.register(self._bell, selectors.EVENT_READ, self._take_leave)
        for doubt in doubts:
            self._mention(note("settings.doubtful", Level.WARNING, doubt=doubt))

    def run(self) -> None:
        """Serve until the process ends or, rule 3, nobody is left to serve."""
        with self._at_work:
            try:
                self._mention(note("arbiter.elected", adopts_within=RECONNECT_SECONDS))
                self._feed(WorkerSpawned(WORKER, self._pid))
                while self._performer.exit_status is None:
                    self._serve(self._wait())
                    self._look_at_clock()
                    self._depart()
                self._mention(note("arbiter.retired"))
            except BaseException as error:
                self._report(error)
                raise
            finally:
                self._protector.close()
                self._log.flush(_LONGEST_FLUSH_SECONDS)
                self._has_left.set()

    def leave(self, limit: float) -> None:
        """From another thread, when the process ends: let protection go if nobody needs it; wait so many seconds at most."""
        with suppress(OSError):
            os.eventfd_write(self._bell, 1)
            self._has_left.wait(limit)

    def forsake(self) -> None:
        """Close every descriptor: at the end, or in a forked child. What others have of them stays open."""
        self._hooks.forsake()
        # NB: nothing may be unregistered in a child, whose selector is the parent's as well.
        self._selector.close()
        for descriptor in (self._inbox.fileno(), self._bell):
            os.close(descriptor)

    def _wait(self) -> list[Callable[[], object]]:
        self._log.let_go()
        wake_at = earliest(self._engine.wake_at(), self._hooks.wake_at())
        seconds = min(max(0.0, wake_at - self._clock.now()), _LONGEST_WAIT_SECONDS)
        self._at_work.release()
        try:
            if self._at_work.wanted:
                # Under a flood of jobs the wait for the selector is none, and a thread that wants to fork would get no turn.
                select.select((), (), (), _FORK_TURN_SECONDS)
            ready = self._selector.select(seconds)
        finally:
            self._at_work.acquire()
        return [key.data for key, _ in ready]

    def _serve(self, ready: Iterable[Callable[[], object]]) -> None:
        for answer in ready:
            answer()
            self._digest()

    def _digest(self) -> None:
        while self._facts:
            self._feed(self._facts.popleft())

    def _look_at_clock(self) -> None:
        now = self._clock.now()
        if self._hooks.wake_at() <= now:
            self._hooks.wake()
        if self._engine.wake_at() <= now:
            self._feed(Tick())

    def _take_answers(self) -> None:
        # Nobody asks questions here: an arbiter has no API.
        self._facts.extend(posted for posted in self._inbox.take() if not isinstance(posted, Question))

    def _take_leave(self) -> None:
        with suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        self._is_asked_to_leave = True

    def _depart(self) -> None:
        """Where the process ends: let go what nobody needs, or leave it to those who are here."""
        if not self._is_asked_to_leave:
            return
        self._is_asked_to_leave = False
        # Twice: who has only just connected is read in the second round. The end of a child may have come just before ours.
        for _ in range(2):
            self._serve([key.data for key, _ in self._selector.select(0.0)])
        if self._hooks.serve_others():
            self._has_left.set()
            return
        self._hooks.retire()
        self._digest()
        self._feed(WorkerExited(WORKER, 0))

    def _feed(self, event: Event) -> None:
        """Let the engine decide on a fact, and carry out what it orders."""
        following = deque((event,))
        while following and self._performer.exit_status is None:
            now, fact = self._clock.now(), following.popleft()
            effects = self._engine.handle(fact, now)
            self._journal.add(now, fact, effects)
            for effect in effects:
                if (brought := self._performer.perform(effect)) is not None:
                    following.append(brought)

    def _context(self) -> Sequence[tuple[str, object]]:
        return (*self._engine.context(self._clock.now()), ("arbiter", self._pid))

    def _mention(self, told: Note) -> None:
        self._log.write(told, self._context())

    def _thread_died(self, name: str, error: BaseException) -> None:
        why = f"{type(error).__name__}: {error}"
        self._mention(note("thread.failed", Level.ERROR, thread=name, why=why))
        self._log.let_go()

    def _report(self, error: BaseException) -> None:
        with suppress(Exception):
            say(f"{traced(error)}a defect of ecs-supervisor: its arbiter ends here; please report it\n")
            say("".join(f"{line}\n" for line in self._journal.lines()))


def _is_on_terminal(settings: RunSettings) -> bool:
    return settings.log_format == "auto" and os.isatty(_STANDARD_ERROR)
