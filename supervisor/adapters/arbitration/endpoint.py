"""Serves the agent's task-protection endpoint to callers: same paths, same order of checks, same words.

`true` is a claim of the calling process, answered when the task is protected, or in the agent's words when it is not; at the
latest after 4 s, which is what the agent gives ECS. `false` ends the caller's own claim and says so at once, although others
may still claim: a caller wants to hear that what it asked for is done, and clients compare. A GET tells how the task is.

The expiry that is told is the earlier of two: of the caller's claim, and of the lease that ECS has granted. The supervisor
renews that one, but nothing is told that ECS has not confirmed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TypeVar

from supervisor.adapters.ecs_agent import PATH
from supervisor.adapters.http_api.exchange import (
    CONNECTION,
    WAITING,
    Answer,
    Environ,
    Peer,
    StartResponse,
)
from supervisor.adapters.http_api.waiters import CrowdedError
from supervisor.core.instants import after
from supervisor.core.snapshot import ProtectionView, Standing
from supervisor.ports import Clock, Desk, View

from . import answers
from .bell import Bell
from .callers import Caller, Callers, HungUpError
from .claims import Claims, EndedError
from .heard import Heard, Word
from .inodes import End
from .passthrough import Passthrough
from .request import MalformedError, Wish, read_wish
from .verdict import Asking, Verdict, judge

T = TypeVar("T")

# The deciding thread answers in a millisecond.
_DESK_SECONDS = 5.0

# What verdicts mean for a claim: whether its caller has been told that the task is protected; None: it works perhaps.
_TOLD = {Verdict.YES: True, Verdict.NO: False, Verdict.IN_VAIN: None, Verdict.UNCLEAR: None}


_PHRASES = {each.value: each.phrase for each in HTTPStatus}


class Endpoint:
    """A WSGI application for all paths that begin with the prefix."""

    def __init__(
        self,
        prefix: str,
        desk: Desk,
        clock: Clock,
        callers: Callers,
        claims: Claims,
        heard: Heard,
        bell: Bell,
        passthrough: Passthrough,
        answer_seconds: float,
    ) -> None:
        self._prefix = prefix
        self._desk = desk
        self._clock = clock
        self._callers = callers
        self._claims = claims
        self._heard = heard
        self._bell = bell
        self._passthrough = passthrough
        self._answer_seconds = answer_seconds

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._answer(environ)
        headers = [*answer.headers, ("Content-Length", str(len(answer.body)))]
        start_response(f"{answer.status} {_PHRASES.get(answer.status, 'Unknown')}", headers)
        return (answer.body,) if answer.body else ()

    def _answer(self, environ: Environ) -> Answer:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if path != (cleaned := _cleaned(path)):
            query = environ.get("QUERY_STRING")
            return answers.moved(f"{cleaned}?{query}" if query else cleaned)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        rest = path.removeprefix(self._prefix)
        if rest == f"{PATH}/":
            return answers.not_found()
        try:
            if rest != PATH:
                with environ[WAITING]():
                    return self._passthrough.answer(environ, body)
            match method:
                case "PUT":
                    return self._put(environ, read_wish(body))
                case "GET":
                    return self._get(environ)
                case _:
                    return answers.wrong_method()
        except MalformedError:
            return answers.undecodable()
        except CrowdedError:
            return answers.too_many()
        except (TimeoutError, HungUpError, EndedError):
            # Of the last two nobody hears.
            return answers.timed_out(self._heard.arn)

    def _get(self, environ: Environ) -> Answer:
        arn = self._until(environ, lambda out_of_time: self._heard.arn or ("" if out_of_time else None))
        if not arn:
            return answers.timed_out(arn)
        standing = self._desk.ask((), lambda view: view.standing(), _DESK_SECONDS)
        return answers.protection(arn, self._lease_date(standing) if standing.protected else None)

    def _put(self, environ: Environ, wish: Wish) -> Answer:
        if wish.enabled is None:
            return answers.not_said(self._heard.arn)
        if not wish.is_in_range:
            return answers.out_of_range(self._heard.arn)
        caller = self._caller(environ)
        if not wish.enabled:
            self._claims.end(caller)
            return answers.protection(self._heard.arn, None)
        heard = self._heard.count
        claim = self._claims.take(caller, wish.seconds)
        is_told: bool | None = None
        try:
            found = self._until(environ, partial(self._judge, Asking(claim.is_new, heard)))
            is_told = _TOLD[found.verdict]
        except CrowdedError:
            is_told = False
            raise
        finally:
            self._claims.settle(claim, is_told)
        return self._tell(found, wish.seconds)

    def _caller(self, environ: Environ) -> Caller | None:
        peer: Peer = environ[CONNECTION]
        if peer.is_unix:
            return None
        try:
            our_end: End = peer.local[:2]
        except OSError:
            raise HungUpError from None
        return self._callers.find((environ["REMOTE_ADDR"], int(environ["REMOTE_PORT"])), our_end)

    def _until(self, environ: Environ, look: Callable[[bool], T | None]) -> T:
        """Return what there is to be seen; wait for it at most until the agent would have answered.

        look: told whether the time is over, and then it must see something.
        """
        # Most need not wait, and so are not in the way of anybody.
        if (seen := look(False)) is not None:
            return seen
        deadline = after(self._clock.now(), self._answer_seconds)
        with environ[WAITING](), self._bell.listening() as bell:
            while (seen := look(self._clock.now() >= deadline)) is None:
                bell.wait(deadline - self._clock.now())
        return seen

    def _judge(self, asking: Asking, out_of_time: bool) -> _Found | None:
        last = self._heard.last
        standing, lease = self._desk.ask((), _look, _DESK_SECONDS)
        verdict = judge(asking, standing, lease, last, out_of_time)
        return None if verdict is None else _Found(verdict, standing, last)

    def _tell(self, found: _Found, seconds: float) -> Answer:
        match found.verdict:
            case Verdict.YES if seconds < (found.standing.protected_for or 0.0):
                return answers.protection(self._heard.arn, answers.rfc3339(self._clock.wall() + seconds))
            case Verdict.YES:
                return answers.protection(self._heard.arn, self._lease_date(found.standing))
            case Verdict.NO if found.last is not None:
                return answers.relayed(found.last.reply)
            case Verdict.IN_VAIN:
                return answers.protection(self._heard.arn, None)
            case _:
                return answers.timed_out(self._heard.arn)

    def _lease_date(self, standing: Standing) -> str:
        """Return until when the task is protected, in the agent's own words if it has said so."""
        return self._heard.date or answers.rfc3339(self._clock.wall() + (standing.protected_for or 0.0))


def _look(view: View) -> tuple[Standing, ProtectionView | None]:
    standing = view.standing()
    return standing, None if standing.protected else view.snapshot().protection


def _cleaned(path: str) -> str:
    """Return the path without empty parts and dots, to which the agent redirects."""
    cleaned = posixpath.normpath(f"/{path.lstrip('/')}")
    return f"{cleaned}/" if path.endswith("/") and cleaned != "/" else cleaned


@dataclass(frozen=True, slots=True)
class _Found:
    verdict: Verdict
    standing: Standing
    last: Word | None
