"""How things stand, for programs that watch: status, health, metrics, and the description of this API itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TypeVar

from supervisor.core.snapshot import Snapshot
from supervisor.core.tally import Counts, Tally
from supervisor.ports import Clock, Desk, View

from .exchange import Answer, Request, as_json
from .holds import ASK_SECONDS
from .means import Also
from .problem import too_late
from .standing import as_fields, is_accepting

T = TypeVar("T")

_DESCRIPTION = os.path.join(os.path.dirname(__file__), "openapi.json")

# Whoever checks our health gives up on us after some seconds too.
_HEALTH_SECONDS = 2.0


class State:
    """about: what only the composition root knows: version, pid, identity. lines_dropped: of the log. also: looks at the rest."""

    def __init__(
        self,
        desk: Desk,
        clock: Clock,
        tally: Tally,
        about: Callable[[], Mapping[str, object]],
        lines_dropped: Callable[[], int],
        also: Callable[[], Also] | None = None,
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._tally = tally
        self._about = about
        self._lines_dropped = lines_dropped
        self._also = also
        # With many holds a snapshot takes the deciding thread some milliseconds, which a signal should wait for once.
        self._one_at_a_time = threading.Lock()

    def status(self, _: Request) -> Answer:
        snapshot, also = self._look_long(lambda view: (view.snapshot(), self._look_at_more()))
        more = {} if also is None else also.fields
        return as_json(200, {**asdict(snapshot), **more, **self._about()})

    def holds(self, _: Request) -> Answer:
        """List all that are open, whoever holds them."""
        snapshot = self._look_long(lambda view: view.snapshot())
        return as_json(200, {"holds": [asdict(hold) for hold in snapshot.holds]})

    def live(self, _: Request) -> Answer:
        """Say whether the deciding thread still answers."""
        self._look(lambda view: view.hold_count())
        return as_json(200, {"live": True})

    def ready(self, _: Request) -> Answer:
        """Say whether new work is welcome."""
        standing = self._look(lambda view: view.standing())
        return as_json(200 if is_accepting(standing) else 503, as_fields(standing))

    def metrics(self, request: Request) -> Answer:
        def look(view: View) -> tuple[Snapshot, Counts, Also | None]:
            return view.snapshot(), self._tally.read(self._clock.now()), self._look_at_more()

        # Two megabytes, for a task that is scraped.
        from prometheus_client import CollectorRegistry, ProcessCollector

        from supervisor.render.metrics import Surroundings, render

        snapshot, counts, also = self._look_long(look)
        surroundings = Surroundings(str(self._about()["version"]), self._desk.lag, self._lines_dropped())
        others = [
            ProcessCollector(registry=CollectorRegistry()),
            *(() if also is None else (also.metrics(),)),
        ]
        text, content_type = render(snapshot, counts, surroundings, request.header("ACCEPT"), *others)
        return Answer(200, text, (("Content-Type", content_type),))

    def openapi(self, _: Request) -> Answer:
        with open(_DESCRIPTION, "rb") as file:
            return Answer(200, file.read(), (("Content-Type", "application/json"),))

    def _look_at_more(self) -> Also | None:
        return None if self._also is None else self._also()

    def _look(self, look: Callable[[View], T]) -> T:
        try:
            return self._desk.ask((), look, _HEALTH_SECONDS)
        except TimeoutError:
            raise too_late() from None

    def _look_long(self, look: Callable[[View], T]) -> T:
        with self._one_at_a_time:
            return self._desk.ask((), look, ASK_SECONDS)
