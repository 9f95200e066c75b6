"""Whether the app can be talked to: asked before the first poll, and again after each sign that it cannot.

Looking costs nothing, receiving does: a message that is received for an app that is down has used up one of its receives.
"""

from __future__ import annotations

from supervisor.core.backoff import Backoff
from supervisor.core.changes import replace
from supervisor.core.effects import Level, note
from supervisor.core.instants import NEVER, Instant, after

from .facts import AppReady, AppUnready
from .moves import Moved
from .orders import CheckApp
from .values import Deliveries

# An app takes seconds to start, and is looked at from the same machine.
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 15.0


def checks_at(state: Deliveries) -> Instant:
    """Return when to look at the app; nobody needs to know while nothing is fetched."""
    return state.app.check_at if state.flow.allowed and not state.app.is_checking else NEVER


def check(state: Deliveries) -> Moved:
    return replace(state, app=replace(state.app, is_checking=True, check_at=NEVER)), (CheckApp(),)


def seen(state: Deliveries, fact: AppReady | AppUnready, now: Instant) -> Moved:
    """Take in what a look at the app has shown."""
    state = replace(state, app=replace(state.app, is_checking=False))
    if isinstance(fact, AppUnready):
        # Who starts listens to nobody at first: what is wrong with it may be what a later look finds.
        is_known = state.app.is_told and state.app.why in ("", fact.why)
        state = replace(state, app=replace(state.app, is_told=is_known, why=fact.why))
        return not_ready(state, fact.why, now)
    every = state.policy.check_every
    check_at = NEVER if every is None else after(now, every)
    # The tries are not forgotten before it has answered a message: it may accept connections and no requests.
    app = replace(state.app, is_ready=True, is_told=False, why="", check_at=check_at)
    news = () if state.app.is_ready else (note("app.ready"),)
    return replace(state, app=app), news


def not_ready(state: Deliveries, why: str, now: Instant) -> Moved:
    """Take nothing more, and look again after a pause."""
    app = state.app
    if app.is_ready or app.check_at == NEVER:
        pause = Backoff(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS, state.policy.identity)
        app = replace(app, tries=app.tries + 1, check_at=after(now, pause.delay(app.tries + 1)))
    news = () if app.is_told else (note("app.not_ready", Level.WARNING, why=why),)
    return replace(state, app=replace(app, is_ready=False, is_told=True)), news
