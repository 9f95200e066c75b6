"""Holds over HTTP: put one while you work, delete it when you are done.

Nobody over HTTP is seen to die, so every hold has a time to live. A hold that is put again is refreshed; one that is not there
is deleted without complaint. Who says `wait` asks whether to begin, may be told not to, and hears of it when the task is
protected or the time is over; who does not say it has begun, and is believed. Who says `fetching` only looks for work: a
stop waits for it as for a job, so that nothing is lost between the queue and the job's begin, but it is no reason to be
protected, and it is refused while new work is not welcome.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty

from supervisor.core.effects import Announce, Refuse
from supervisor.core.events import Event, HoldReleased, HoldTaken
from supervisor.core.instants import after
from supervisor.core.names import HolderId, HoldId
from supervisor.core.snapshot import HoldView, Standing
from supervisor.ports import Clock, Desk, View

from .bodies import read_body
from .exchange import Answer, Asked, Request, as_json
from .problem import ProblemError, crowded, malformed, too_late
from .standing import as_fields, is_accepting, rounded
from .waiters import CrowdedError, Heard, Waiters, tell_hang_up

HOLDER = HolderId("api")

# A job that says nothing about itself for five minutes is refreshed or forgotten; twelve hours is as long as a night.
TTL_SECONDS = 300.0
LONGEST_TTL_SECONDS = 43_200.0

# Clients and what is between give up on an answer after about a minute.
LONGEST_WAIT_SECONDS = 60.0

# In the whole task; what comes in the same instant is let in together. A worker does not run so many jobs at a time:
# somebody forgets to end them.
MOST_HOLDS = 10_000

# How long the deciding thread may take; it answers within a millisecond unless the machine is in trouble.
ASK_SECONDS = 5.0

_ID_CHARACTERS = 200

# Control characters would be lost on the way, or spoil a terminal.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the deciding thread showed. at: when, by our clock."""

    standing: Standing
    hold: HoldView | None
    open: int
    at: float


class Holds:
    def __init__(self, desk: Desk, clock: Clock, waiters: Waiters) -> None:
        self._desk = desk
        self._clock = clock
        self._waiters = waiters
        # How many there were at the last look, which writes it: nobody is asked twice while there are few.
        self._open = 0

    def put(self, request: Request, id_: str) -> Answer | Asked[_Seen]:
        fields = read_body(request, "about", "ttl", "wait", "fetching")
        about = fields.text("about")
        ttl = fields.seconds("ttl", LONGEST_TTL_SECONDS, from_zero=False)
        wait = fields.seconds("wait", LONGEST_WAIT_SECONDS)
        fetching = fields.flag("fetching") or False
        fields.check()
        hold = _hold(id_)
        self._check_room(hold)
        asks = wait is not None and not fetching
        taken = HoldTaken(hold, HOLDER, about, ttl or TTL_SECONDS, asks, fetching)
        asked_at = self._clock.now()
        wait_until = after(asked_at, wait or 0.0)

        def answer(seen: _Seen) -> Answer:
            if seen.hold is None:
                raise _refused("it was ended meanwhile")
            is_new = seen.at - seen.hold.age >= asked_at
            return as_json(201 if is_new else 200, _told(id_, seen.hold, seen.standing, taken.ttl))

        if fetching:
            return answer(self._fetch(request, taken, wait_until))
        if wait is None:
            return self._asked((taken,), hold, answer)
        return answer(self._ask(request, taken, wait_until))

    def get(self, _: Request, id_: str) -> Asked[_Seen]:
        def answer(seen: _Seen) -> Answer:
            if seen.hold is None:
                raise ProblemError(
                    404, "no-hold", "this hold is not open", "put it, if its work is in flight"
                )
            return as_json(200, _told(id_, seen.hold, seen.standing))

        return self._asked((), _hold(id_), answer)

    def delete(self, _: Request, id_: str) -> Asked[_Seen]:
        hold = _hold(id_)
        return self._asked((HoldReleased(hold),), hold, lambda seen: as_json(200, as_fields(seen.standing)))

    def _ask(self, request: Request, taken: HoldTaken, wait_until: float) -> _Seen:
        """Take a hold that may be refused, and wait until it is granted and the task is protected, as far as that can be."""
        hold = taken.hold
        with self._waiters.asking(hold) as heard:
            seen = self._look((taken,), hold)
            if seen.hold is not None and seen.hold.phase == "waiting":
                self._wait(request, heard, wait_until)
                seen = self._look((), hold)
            if seen.hold is None and (refusal := _refusal(heard)) is not None:
                raise _refused(refusal.why)
        if seen.hold is not None and seen.hold.phase == "held" and _is_hoped_for(seen.standing):
            seen = self._wait_for_protection(request, hold, wait_until)
        return seen

    def _wait_for_protection(self, request: Request, hold: HoldId, wait_until: float) -> _Seen:
        # Who listens before looking misses nothing in between.
        with self._waiters.following() as heard:
            seen = self._look((), hold)
            if _is_hoped_for(seen.standing):
                self._wait_for(request, heard, lambda news: news.protected or not news.accepting, wait_until)
                seen = self._look((), hold)
        return seen

    def _fetch(self, request: Request, taken: HoldTaken, wait_until: float) -> _Seen:
        """Take a hold for a look for work, as soon as that is welcome."""
        hold, is_first = taken.hold, True
        with self._waiters.following() as heard:
            while True:
                seen = self._look((taken,), hold)
                if is_accepting(seen.standing):
                    return seen
                # It may have been a job's before, which has ended then.
                seen = self._look((HoldReleased(hold),), hold)
                if seen.standing.stopping or not is_first:
                    raise _refused("no new work is welcome")
                self._wait_for(request, heard, lambda news: news.accepting or news.stopping, wait_until)
                is_first = False

    def _wait_for(
        self, request: Request, heard: Heard, is_enough: Callable[[Announce], bool], wait_until: float
    ) -> None:
        if wait_until <= self._clock.now() or (request.peer is not None and not request.peer.may_wait):
            return
        with suppress(CrowdedError):
            self._waiters.wait_for_news(request, heard, is_enough, lambda: wait_until - self._clock.now())

    def _look(self, facts: Sequence[Event], hold: HoldId) -> _Seen:
        try:
            return self._desk.ask(facts, self._sight(hold), ASK_SECONDS)
        except TimeoutError:
            raise too_late(_unknown(facts)) from None

    def _asked(self, facts: Sequence[Event], hold: HoldId, answer: Callable[[_Seen], Answer]) -> Asked[_Seen]:
        return Asked(facts, self._sight(hold), answer, _unknown(facts))

    def _sight(self, hold: HoldId) -> Callable[[View], _Seen]:
        def look(view: View) -> _Seen:
            self._open = view.hold_count()
            return _Seen(view.standing(), view.hold(hold), self._open, self._clock.now())

        return look

    def _check_room(self, hold: HoldId) -> None:
        if self._open < MOST_HOLDS:
            return
        seen = self._look((), hold)
        if seen.hold is None and seen.open >= MOST_HOLDS:
            raise crowded(f"{MOST_HOLDS} holds are open already", "delete holds whose work is done")

    def _wait(self, request: Request, heard: Heard, deadline: float) -> None:
        if deadline <= self._clock.now() or (request.peer is not None and not request.peer.may_wait):
            return
        try:
            with self._waiters.waiting():
                tell_hang_up(request, heard)
                heard.put(heard.get(timeout=max(0.0, deadline - self._clock.now())))
        except (CrowdedError, Empty):
            # The hold stays open, and the answer says that it is not granted yet.
            return


def _is_hoped_for(standing: Standing) -> bool:
    return not standing.protected and standing.may_be_protected and not standing.stopping


def _hold(id_: str) -> HoldId:
    if not 0 < len(id_) <= _ID_CHARACTERS or _CONTROL.search(id_):
        raise malformed(
            f"an id has 1 to {_ID_CHARACTERS} characters, and none of them controls anything",
            "use what identifies the job, such as its number in the queue",
        )
    return HoldId(f"{HOLDER}/{id_}")


def _unknown(facts: Sequence[Event]) -> str:
    return ", so whether this hold is open is not known" if facts else ""


def _refusal(heard: Heard) -> Refuse | None:
    while not heard.empty():
        if isinstance(answer := heard.get_nowait(), Refuse):
            return answer
    return None


def _refused(why: str) -> ProblemError:
    return ProblemError(
        409, "refused", f"do not begin: {why}", "leave this work in the queue, for another task or for later"
    )


def _told(id_: str, hold: HoldView, standing: Standing, ttl: float | None = None) -> dict[str, object]:
    told: dict[str, object] = {
        "id": id_,
        "about": hold.about,
        "age": rounded(hold.age),
        "expires_in": rounded(hold.expires_in),
        "granted": hold.phase == "held",
        **as_fields(standing),
    }
    if hold.phase != "held":
        told["why"] = "there is no answer yet; the hold is open, so ask again before you begin"
    return told if ttl is None else told | {"ttl": ttl}
