"""A running supervisor: all its parts, tied together, whoever the worker is.

Everything is imported here that the way out may need, so that nothing is loaded for the first time after a stop request.
"""

from __future__ import annotations

import selectors
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from supervisor.adapters.clock import SystemClock
from supervisor.adapters.followers import Followers
from supervisor.adapters.hook_socket import HookSocket
from supervisor.adapters.http_api.door import HttpApi
from supervisor.adapters.log_stream import LogStream
from supervisor.adapters.openings import Openings
from supervisor.adapters.terminal import keyboard_is_ours
from supervisor.config.settings import RunSettings
from supervisor.core.effects import Effect, Level, Note, note
from supervisor.core.engine import Engine
from supervisor.core.events import Event, SignalReceived
from supervisor.core.instants import Instant
from supervisor.core.names import SignalName
from supervisor.core.policy import Policy
from supervisor.ports import Follows, Protector, Workers
from supervisor.render.status import render
from supervisor.runtime.background import Background
from supervisor.runtime.crash import traced
from supervisor.runtime.inbox import Inbox
from supervisor.runtime.journal import Journal
from supervisor.runtime.loop import Loop
from supervisor.runtime.meaning import Meanings
from supervisor.runtime.perform import Performer
from supervisor.runtime.reflex import Reflex
from supervisor.runtime.signals import Signals

from .parts import (
    STANDARD_ERROR,
    More,
    breathing,
    line_format,
    make_api,
    make_ear,
    make_followers,
    make_probes,
    make_protector,
    reaping,
)

# The interpreter lets a busy thread keep others waiting for 5 ms by default; the deciding one should not wait.
SWITCH_SECONDS = 0.0005

# Shares of the exit margin: the last clean-up, then the last log lines; the rest is for a slow machine.
_SWEEP_SHARE = 0.5
_FLUSH_SHARE = 0.25

# Nobody wants to wait for a log that is stuck, however long the margin.
_LONGEST_FLUSH_SECONDS = 0.5


def _as_it_is(protector: Protector) -> Protector:
    return protector


class Supervision:
    """All parts of a running supervisor, tied together.

    set_aside: what else to do when a signal comes, by its number. passes_on: signals that mean nothing to us go to the worker.
    followers: who else hears what is announced. wrap: puts something around the protector. more: what else there is to decide.
    """

    def __init__(
        self,
        settings: RunSettings,
        policy: Policy,
        signals: Signals,
        workers: Workers,
        openings: Openings,
        clock: SystemClock,
        set_aside: Mapping[int, Callable[[], object]],
        *,
        passes_on: bool = True,
        followers: Sequence[Follows] = (),
        wrap: Callable[[Protector], Protector] = _as_it_is,
        more: More | None = None,
    ) -> None:
        self._clock = clock
        self._margin = settings.exit_margin
        background = Background(self._thread_died)
        self.log = LogStream(
            STANDARD_ERROR, line_format(settings), Level(settings.log_level), clock.wall, background.start
        )
        started = clock.now()
        self._engine = Engine(policy, started) if more is None else more.engine(policy, started)
        self.journal = Journal(started)
        inbox, facts, selector = Inbox(), deque[Event](), selectors.DefaultSelector()
        # For parts that are not ours, and their threads.
        self.post, self.spawn_thread = inbox.post, background.start
        sockets: list[HookSocket] = []
        if openings.hooks.path:
            sockets.append(
                HookSocket(openings.hooks.descriptor, openings.hooks.path, selector, clock, facts.append)
            )
        heard = make_ear(openings)
        self._api = make_api(
            settings,
            openings,
            selector,
            inbox,
            self._engine,
            clock,
            background,
            self.tell,
            self.log,
            heard,
            more,
        )
        self._protector = make_protector(settings, background, clock, heard)
        if self._protector is not None:
            self._protector = wrap(self._protector)
            self._protector.start(inbox.post)
        self._probes = make_probes(settings, background, clock, self.tell)
        if self._probes is not None:
            self._probes.start(inbox.post)
        self.audience = Followers(
            [*sockets, self._api] if self._api else sockets,
            (*make_followers(settings, self.tell, self._probes), *followers),
        )
        self.performer = (Performer if more is None else more.performer)(
            workers,
            self.audience,
            self._protector,
            self.log,
            self._context,
            self._dump,
            settings.exit_margin * _SWEEP_SHARE,
        )
        meanings = Meanings(
            frozenset(map(SignalName, settings.stop_signals)),
            None if settings.dump_signal is None else SignalName(settings.dump_signal),
            keyboard_is_ours,
        )

        def meaning(number: int) -> Event | None:
            if number in set_aside:
                set_aside[number]()
            meant = meanings.of(number)
            return meant if passes_on or not isinstance(meant, SignalReceived) else None

        self.loop = Loop(
            self._engine,
            self.performer,
            clock,
            signals,
            Reflex(
                meanings.stops(),
                meanings.forwards() if passes_on else {},
                self.performer,
                selector.fileno(),
            ),
            meaning,
            workers.reap if self._probes is None else reaping(workers.reap, self._probes),
            inbox,
            selector,
            facts,
            self.journal.add if self._api is None else self._record(self._api),
            self.log.let_go,
            [*sockets, self._api] if self._api else sockets,
            None if settings.protect == "before-start" else breathing(signals, inbox),
        )

    def mention(self, notes: Sequence[Note]) -> None:
        """Write what is to be said before anything happens."""
        for each in notes:
            self.log.write(each, self._context())

    def run(self, first: Event) -> int:
        status = self.loop.run(first)
        self.leave()
        return status

    def leave(self) -> None:
        """Take leave of everybody; the loop has ended."""
        self.audience.close()
        if self._protector is not None:
            self._protector.close()
        self.flush()

    def flush(self) -> None:
        self.log.flush(min(_LONGEST_FLUSH_SECONDS, self._margin * _FLUSH_SHARE))

    def _record(self, api: HttpApi) -> Callable[[Instant, Event, tuple[Effect, ...]], None]:
        def record(now: Instant, fact: Event, effects: tuple[Effect, ...]) -> None:
            self.journal.add(now, fact, effects)
            api.record(now, fact, effects)

        return record

    def tell(self, told: Note) -> None:
        """Write a note of somebody else than the engine, from any thread."""
        self.log.write(told, self._context())
        self.log.let_go()

    def _context(self) -> Sequence[tuple[str, object]]:
        return self._engine.context(self._clock.now())

    def _dump(self) -> None:
        snapshot, lines = self._engine.snapshot(self._clock.now()), self.journal.lines()
        dropped = self.log.dropped
        # Made into text by the log's thread: a thousand entries take longer than a stop request should wait.
        self.log.write_block(lambda: "\n".join((render(snapshot, log_lines_dropped=dropped), *lines)))

    def _thread_died(self, name: str, error: BaseException) -> None:
        told = note("thread.failed", Level.ERROR, thread=name, why=f"{type(error).__name__}: {error}")
        self.log.write(told, self._context())
        self.log.write_block(lambda: traced(error))
        self.log.let_go()
