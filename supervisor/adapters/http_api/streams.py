"""For whoever wants to hear at once: a question that is answered when the answer changes, and a stream of events."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from queue import Empty
from typing import Any

from supervisor.core.effects import Announce
from supervisor.core.instants import after
from supervisor.core.snapshot import Standing
from supervisor.ports import Clock, Desk

from .bodies import read_query
from .exchange import Answer, Request, as_json
from .holds import ASK_SECONDS, LONGEST_WAIT_SECONDS
from .problem import ProblemError, crowded
from .standing import as_fields, is_accepting, rounded
from .waiters import MOST_WAITING, CrowdedError, Waiters, tell_hang_up


class Streams:
    def __init__(self, desk: Desk, clock: Clock, waiters: Waiters, alive_seconds: float) -> None:
        self._desk = desk
        self._clock = clock
        self._waiters = waiters
        self._alive_seconds = alive_seconds

    def accepting(self, request: Request) -> Answer:
        """Say whether new work is welcome; with `wait`, as soon as that changes."""
        query = read_query(request, "wait", "was")
        wait, was = query.seconds("wait", LONGEST_WAIT_SECONDS), query.flag("was")
        query.check()
        if not wait:
            return _accepting(self._standing())
        deadline = after(self._clock.now(), wait)
        # Who listens before asking misses nothing in between.
        with self._waiters.following() as heard:
            standing = self._standing()
            if was is None or is_accepting(standing) is was:
                known = is_accepting(standing)
                try:
                    self._waiters.wait_for_news(
                        request,
                        heard,
                        lambda news: (news.accepting and not news.stopping) is not known,
                        lambda: deadline - self._clock.now(),
                    )
                except CrowdedError:
                    raise _too_many() from None
                standing = self._standing()
        return _accepting(standing)

    def events(self, request: Request) -> Answer:
        """Tell every change for as long as the peer listens."""
        stream = _Events(self._waiters, self._alive_seconds)
        try:
            stream.begin(request, self._standing)
        except BaseException:
            stream.close()
            raise
        if request.method == "HEAD":
            stream.close()
        return Answer(200, b"", (("Content-Type", "text/event-stream"),), stream)

    def _standing(self) -> Standing:
        return self._desk.ask((), lambda view: view.standing(), ASK_SECONDS)


class _Events:
    """A state at once, then one for each announcement, and a sign of life in between."""

    def __init__(self, waiters: Waiters, alive_seconds: float) -> None:
        self._waiters = waiters
        self._alive_seconds = alive_seconds
        self._stays = ExitStack()
        self._next = b""

    def begin(self, request: Request, look: Callable[[], Standing]) -> None:
        try:
            self._stays.enter_context(self._waiters.waiting())
        except CrowdedError:
            raise _too_many() from None
        self._heard = self._stays.enter_context(self._waiters.following())
        tell_hang_up(request, self._heard)
        # Who listens before looking misses nothing in between.
        self._next = b"retry: 1000\n" + _event(look())

    def __iter__(self) -> _Events:
        return self

    def __next__(self) -> bytes:
        if first := self._next:
            self._next = b""
            return first
        try:
            news = self._heard.get(timeout=self._alive_seconds)
        except Empty:
            return b": still here\n\n"
        if not isinstance(news, Announce):
            raise StopIteration
        return _event(news)

    def close(self) -> None:
        self._stays.close()


def _event(news: Announce | Standing) -> bytes:
    told: dict[str, Any] = {
        "phase": news.phase,
        "accepting": news.accepting and not news.stopping,
        "stopping": news.stopping,
        "seconds_left": rounded(news.seconds_left),
        "protected": news.protected,
    }
    return f"event: state\ndata: {json.dumps(told)}\n\n".encode()


def _accepting(standing: Standing) -> Answer:
    return as_json(200 if is_accepting(standing) else 503, as_fields(standing))


def _too_many() -> ProblemError:
    return crowded(f"{MOST_WAITING} connections wait for news already")
