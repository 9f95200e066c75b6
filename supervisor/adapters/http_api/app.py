"""Finds the handler of a request, and answers whatever happens: a WSGI application, without anything of a framework."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from supervisor.core.effects import Level, note

from .exchange import WAITING, Answer, Asked, Environ, Request, StartResponse, WSGIApp, as_problem, send
from .guard import check_origin
from .holds import ASK_SECONDS, Holds
from .means import Means
from .problem import ProblemError, defect, not_found, too_late, wrong_method
from .state import State
from .steering import Steering
from .streams import Streams
from .waiters import Waiters

T = TypeVar("T")
U = TypeVar("U")

Handler = Callable[[Request], Answer | Asked[Any]]

_HOLDS = "/v1/holds/"


class App:
    def __init__(self, means: Means, waiters: Waiters) -> None:
        desk, clock = means.desk, means.clock
        state = State(desk, clock, means.tally, means.about, means.lines_dropped, means.also)
        streams = Streams(desk, clock, waiters, means.patience.alive)
        steering = Steering(desk, clock, means.token_file)
        holds = Holds(desk, clock, waiters)
        self._desk = desk
        self._tell = means.tell
        self._reported: set[str] = set()
        self._remote = means.remote
        self._waiting = waiters.waiting
        # The longest first, so that the most particular prefix is the one that counts.
        self._mounts = sorted(means.mounts.items(), key=lambda mount: -len(mount[0]))
        self._hold = {"GET": holds.get, "PUT": holds.put, "DELETE": holds.delete}
        self._routes: Mapping[str, Mapping[str, Handler]] = {
            "/v1/holds": {"GET": state.holds},
            "/v1/accepting": {"GET": streams.accepting},
            "/v1/events": {"GET": streams.events},
            "/v1/status": {"GET": state.status},
            "/v1/quiet": {"POST": steering.quiet},
            "/v1/resume": {"POST": steering.resume},
            "/v1/drain": {"POST": steering.drain},
            "/v1/openapi.json": {"GET": state.openapi},
            "/livez": {"GET": state.live},
            "/readyz": {"GET": state.ready},
            "/metrics": {"GET": state.metrics},
        }

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        def take_in(request: Request) -> Answer | Asked[Any] | Iterable[bytes]:
            if (mounted := self._mounted(request.path)) is not None:
                environ[WAITING] = self._waiting
                return mounted(environ, start_response)
            return self._answer(request)

        answer = self._attempt(self._admitted(take_in), environ)
        if not isinstance(answer, Answer | Asked):
            return answer
        [answer] = self.ask_all((answer,))
        return send(answer, environ["REQUEST_METHOD"] == "HEAD", start_response)

    def begin(self, environ: Environ) -> Answer | Asked[Any]:
        """Return the answer to a request, or what is to be asked for it; only for paths at which nothing is mounted."""
        return self._attempt(self._admitted(self._answer), environ)

    def ask_all(self, answers: Sequence[Answer | Asked[Any]]) -> list[Answer]:
        """Complete those that ask something, with one wait for all of them."""
        asked = [each for each in answers if isinstance(each, Asked)]
        try:
            seen = iter(self._desk.ask_all([(each.facts, each.look) for each in asked], ASK_SECONDS))
        except Exception as error:  # noqa: BLE001 - these are answered, and the next are served
            return [
                self._failed(error, each.unknown) if isinstance(each, Asked) else each for each in answers
            ]
        return [self._attempt(each.then, next(seen)) if isinstance(each, Asked) else each for each in answers]

    def _admitted(self, handle: Callable[[Request], T]) -> Callable[[Environ], T]:
        def admit(environ: Environ) -> T:
            request = Request(environ)
            check_origin(request, self._remote)
            return handle(request)

        return admit

    def _attempt(self, make: Callable[[T], U], given: T) -> U | Answer:
        try:
            return make(given)
        except Exception as error:  # noqa: BLE001 - whatever it is, only this request may fail
            return self._failed(error)

    def _failed(self, error: Exception, unknown: str = "") -> Answer:
        if isinstance(error, ProblemError):
            return as_problem(error)
        if isinstance(error, TimeoutError):
            return as_problem(too_late(unknown))
        self._report(error)
        return as_problem(defect())

    def _report(self, error: Exception) -> None:
        """Tell of a defect, once of each kind: whoever has found one must not fill the log with it."""
        kind = type(error).__name__
        if kind in self._reported:
            return
        self._reported.add(kind)
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        at = f"{frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame is not None else "nowhere"
        self._tell(note("api.failed", Level.ERROR, why=f"{kind}: {error}", at=at))

    def _mounted(self, path: str) -> WSGIApp | None:
        for prefix, app in self._mounts:
            if path == prefix or path.startswith(f"{prefix}/"):
                return app
        return None

    def _answer(self, request: Request) -> Answer | Asked[Any]:
        path = request.path
        if path.startswith(_HOLDS) and (id_ := path.removeprefix(_HOLDS)):
            about_hold = self._hold.get("GET" if request.method == "HEAD" else request.method)
            return _allow(self._hold, request) if about_hold is None else about_hold(request, id_)
        methods = self._routes.get(path)
        if methods is None:
            raise not_found(path)
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        return _allow(methods, request) if handler is None else handler(request)


def _allow(methods: Iterable[str], request: Request) -> Answer:
    """Say what would be answered here."""
    allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])
    if request.method != "OPTIONS":
        raise wrong_method(request.path, allowed)
    return Answer(204, headers=(("Allow", allowed),))
