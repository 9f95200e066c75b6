"""The API as the deciding thread sees it: it waits for the first connection, and passes on announcements and answers.

Until somebody connects, it costs an open socket. Then it is served for ever by a thread of its own, which loads what it
needs; the connection waits in the kernel meanwhile, and longer where the worker has left no room for another thread. What the
metrics count, they count from then on.
"""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from supervisor.core.effects import Announce, Effect, Grant, Level, Note, Refuse, note
from supervisor.core.events import Event
from supervisor.core.instants import NEVER, Instant, after
from supervisor.ports import Clock, Hooks

from .listen import Entrance, shut

if TYPE_CHECKING:
    from .means import Means


_MORE_PROCESSES = "let the worker have fewer processes, or raise the limit of this container"

# How long nobody is let in after no thread could be started.
_REST_SECONDS = 1.0


class HttpApi:
    """Fulfils ports.Hooks. start: runs a callable in a thread of that name. make_means: called there. tell: takes a note."""

    def __init__(
        self,
        entrances: Sequence[Entrance],
        selector: selectors.BaseSelector,
        clock: Clock,
        start: Callable[[str, Callable[[], None]], None],
        make_means: Callable[[], Means],
        tell: Callable[[Note], None],
    ) -> None:
        self._entrances = entrances
        self._selector = selector
        self._clock = clock
        self._start = start
        self._make_means = make_means
        self._tell = tell
        self._is_open = False
        self._rests_until = NEVER
        self._has_told = False
        # There is nobody to hear anything before it is served, and nothing is counted.
        self._hooks: Sequence[Hooks] = ()
        self._count: Callable[[Instant, Event, tuple[Effect, ...]], None] | None = None
        self.wake()

    def wake_at(self) -> Instant:
        """Return when to let somebody in again."""
        return self._rests_until

    def wake(self) -> None:
        """Wait for somebody who connects."""
        self._rests_until = NEVER
        for entrance in self._entrances:
            self._selector.register(entrance.descriptor, selectors.EVENT_READ, self.open)

    def open(self) -> None:
        """Begin to serve; to be called on the deciding thread, or before it begins."""
        if self._is_open:
            return
        self._is_open = True
        for entrance in self._entrances:
            self._selector.unregister(entrance.descriptor)
        try:
            self._start("api", self._serve)
        except RuntimeError as error:
            # The limit of processes is reached. What waits would wake the loop for ever.
            self._is_open = False
            self._rests_until = after(self._clock.now(), _REST_SECONDS)
            self._mention(error, "whoever asks waits until there is room for a thread", _MORE_PROCESSES)

    def record(self, now: Instant, fact: Event, effects: tuple[Effect, ...]) -> None:
        """Hear of every decision."""
        if self._count is not None:
            self._count(now, fact, effects)

    def announce(self, news: Announce) -> None:
        for each in self._hooks:
            each.announce(news)

    def answer(self, order: Grant | Refuse) -> None:
        for each in self._hooks:
            each.answer(order)

    def close(self) -> None:
        """Let nobody in any more; the end of this process, which follows at once, hangs up on those who are."""
        for entrance in self._entrances:
            with suppress(OSError):
                shut(entrance)
        for each in self._hooks:
            each.close()

    def _serve(self) -> None:
        try:
            from .server import serve
            from .waiters import Waiters

            means = self._make_means()
        except Exception as error:  # noqa: BLE001 - a library is missing or broken; the task goes on without the API
            self._give_up(error)
            return
        waiters = Waiters()
        self._hooks = (waiters, *means.hooks)
        self._count = means.tally.count
        serve([entrance.descriptor for entrance in self._entrances], means, waiters)

    def _give_up(self, error: Exception) -> None:
        self.close()
        for entrance in self._entrances:
            os.close(entrance.descriptor)
        so = "nobody can say over HTTP that work is in flight; the hooks' socket is not concerned"
        self._mention(error, so, "install ecs-supervisor anew, with its dependencies")

    def _mention(self, error: Exception, so: str, fix: str) -> None:
        if self._has_told:
            return
        self._has_told = True
        why = f"{type(error).__name__}: {error}"
        self._tell(note("api.unavailable", Level.WARNING, why=why, so=so, fix=fix))
