"""What it most likely means when the app fails messages alike, and what to set.

Written from what the web frameworks' own middlewares for this daemon check before they look at a message: whoever moves
a worker here meets the same few refusals, each of them for every message.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .facts import Failure

# One or two bad messages may come first in any queue; five failures alike and not one success are no chance.
_ALIKE = 5

Outcome = int | Failure


@dataclass(frozen=True, slots=True)
class Watch:
    """The last outcome, how often it has come in a row, and whether people were told."""

    outcome: Outcome | None = None
    alike: int = 0
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class Advice:
    likely: str
    fix: str


FRESH = Watch()

_REDIRECT = Advice(
    "the app redirects to https or to another path, and redirects are not followed (force_ssl, SECURE_SSL_REDIRECT, a slash"
    " that is missing at the end)",
    "set the header X-Forwarded-Proto to https, switch the redirect off for the worker, or correct the path",
)

_BY_STATUS = {
    400: Advice(
        "the app does not accept the Host header (Django: ALLOWED_HOSTS), or wants another Content-Type",
        "allow `localhost` in the app, or set the Host that it allows",
    ),
    401: Advice(
        "the path asks for credentials", "let requests from localhost pass, or choose the worker's own path"
    ),
    403: Advice(
        "the request does not seem to come from this machine (bridge networking, or a proxy that adds X-Forwarded-For), the"
        " Host is not allowed (Rails: config.hosts), or the secret differs between web and worker (SECRET_KEY_BASE)",
        "use awsvpc networking with the app on 127.0.0.1, allow the host `localhost`, give both the same secret",
    ),
    404: Advice(
        "the app's middleware for SQS is not enabled, does not know the User-Agent, or the path is another one",
        "set the variable that enables it (PROCESS_ACTIVE_ELASTIC_JOBS, AWS_PROCESS_BEANSTALK_WORKER_REQUESTS), keep the"
        " User-Agent's beginning `aws-sqsd`, check the path",
    ),
    405: Advice("the path does not take POST", "check the path"),
    413: Advice(
        "a limit on the size of requests is below the size of these messages", "raise the app's limit"
    ),
    415: Advice("the app wants another Content-Type", "set the MIME type that it expects"),
    429: Advice(
        "the app has no room, as with jobs that it runs in the background after its answer",
        "lower the connections to what the app can run, and switch its background mode off",
    ),
    500: Advice(
        "the job raises an error, its class is unknown to this app, or (periodic tasks) the middleware expects the path `/`",
        "look into the app's log",
    ),
    502: Advice("a proxy stands before the app and cannot reach it", "send to the app's own port"),
    503: Advice(
        "the app, or a proxy before it, says that it is not able to serve", "look into the app's log"
    ),
    504: Advice(
        "a proxy stands before the app and waits less long than a job takes", "send to the app's own port"
    ),
}

_BY_FAILURE = {
    Failure.REFUSED: Advice(
        "nothing listens on the port",
        "check the port, and that the app listens on 127.0.0.1 in the same task (awsvpc)",
    ),
    Failure.CONNECT_TIMEOUT: Advice(
        "all the app's processes are taken, or packets to the port are dropped",
        "lower the connections to what the app can run",
    ),
    Failure.INACTIVE: Advice(
        "the jobs take longer than the inactivity timeout, or the app hangs", "raise the inactivity timeout"
    ),
    Failure.CUT: Advice(
        "the app dies of the job, or a server before it cuts requests that take long",
        "look for killed processes (memory), and raise the server's own time limit",
    ),
    Failure.IMPOSSIBLE: Advice(
        "these messages cannot be written as a request", "look at the detail of each failed delivery"
    ),
}


def failed(watch: Watch | None, outcome: Outcome) -> tuple[Watch | None, Advice | None]:
    """Count one failure; return the advice when it is time to give it. watch: None once anything has succeeded."""
    if watch is None:
        return None, None
    alike = watch.alike + 1 if watch.outcome == outcome else 1
    watch = replace(watch, outcome=outcome, alike=alike)
    if alike < _ALIKE or watch.is_told:
        return watch, None
    return replace(watch, is_told=True), advise(outcome)


def advise(outcome: Outcome) -> Advice:
    """Return what an outcome most likely means when it is the outcome of every delivery."""
    if isinstance(outcome, Failure):
        return _BY_FAILURE[outcome]
    if outcome in _BY_STATUS:
        return _BY_STATUS[outcome]
    if 200 <= outcome < 300:
        return Advice(
            "the app means success by this, but only the success statuses count as one",
            f"add {outcome} to the success statuses, or have the app answer 200",
        )
    if 300 <= outcome < 400:
        return _REDIRECT
    return Advice("the app fails the job", "look into the app's log")
