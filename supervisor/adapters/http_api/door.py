"""The API as the deciding thread sees it: it waits for the first connection, and passes on announcements and answers.

Until somebody connects, it costs an open socket. Then it is served for ever by a thread of its own, which loads what it
needs; the connection waits in the kernel meanwhile. What the metrics count, they count from then on.
"""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from supervisor.core.effects import Announce, Effect, Grant, Level, Note, Refuse, note
from supervisor.core.events import Event
from supervisor.core.instants import Instant
from supervisor.ports import Hooks

from .listen import Entrance, shut

if TYPE_CHECKING:
    from .means import Means


class HttpApi:
    """Fulfils ports.Hooks. start: runs a callable in a thread of that name. make_means: called there. tell: takes a note."""

    def __init__(
        self,
        entrances: Sequence[Entrance],
        selector: selectors.BaseSelector,
        start: Callable[[str, Callable[[], None]], None],
        make_means: Callable[[], Means],
        tell: Callable[[Note], None],
    ) -> None:
        self._entrances = entrances
        self._selector = selector
        self._start = start
        self._make_means = make_means
        self._tell = tell
        self._is_open = False
        # There is nobody to hear anything before it is served, and nothing is counted.
        self._hooks: Sequence[Hooks] = ()
        self._count: Callable[[Instant, Event, tuple[Effect, ...]], None] | None = None
        for entrance in entrances:
            selector.register(entrance.descriptor, selectors.EVENT_READ, self.open)

    def open(self) -> None:
        """Begin to serve; to be called on the deciding thread, or before it begins."""
        if self._is_open:
            return
        self._is_open = True
        for entrance in self._entrances:
            self._selector.unregister(entrance.descriptor)
        self._start("api", self._serve)

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
        self._tell(
            note(
                "api.unavailable",
                Level.WARNING,
                why=f"{type(error).__name__}: {error}",
                so="nobody can say over HTTP that work is in flight; the hooks' socket is not concerned",
                fix="install ecs-supervisor anew, with its dependencies",
            )
        )
