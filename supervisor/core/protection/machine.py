"""How the protection machine moves: a fact is taken in, then whatever differs from what is wanted is asked for."""

from __future__ import annotations

from dataclasses import replace

from supervisor.core.effects import Effect, Level, LookAtProtection, Protect, Unprotect, note
from supervisor.core.events import (
    Event,
    ProtectionCleared,
    ProtectionGranted,
    ProtectionRefused,
    ProtectionSeen,
    ProtectionUnknown,
)
from supervisor.core.inner import DemandIs, Inner, ProtectionIs, ProtectionWants, StopBegan
from supervisor.core.instants import NEVER, Instant, after, earliest
from supervisor.core.names import Attempt

from .answers import answered, lapse, not_before, off, unknown
from .values import LEASED, Asked, Phase, Protection, Request, is_confirmed, move

# SQS lets a receive wait for 20 s (ReceiveMessage, WaitTimeSeconds); with the way there and back.
LONGEST_FETCH_SECONDS = 25.0

# The adapter's own bound is half of this; if even that fails, the machine goes on without the answer.
ANSWER_TIMEOUT_SECONDS = 30.0


def step(state: Protection, event: Event | Inner, now: Instant) -> tuple[Protection, tuple[Effect, ...]]:
    """Take one fact in, then ask for whatever differs from what is wanted."""
    if state.phase in (Phase.ABSENT, Phase.MOOT):
        return state, ()
    state, effects = _absorb(state, event, now)
    state, more = _settle(state, now)
    return state, (*effects, *more)


def tells_holds(state: Protection, now: Instant) -> ProtectionIs:
    """Say what somebody who waits for protection needs to know."""
    confirmed = is_confirmed(state, now)
    refused = state.phase is Phase.UNAVAILABLE or state.quiet is not None
    return ProtectionIs(
        confirmed=confirmed,
        applicable=not (state.phase is Phase.ABSENT or _never_applies(state)),
        hopeless=state.last_refusal if refused and not confirmed else None,
    )


def tells_lifecycle(state: Protection) -> ProtectionWants:
    """Say whether to be quiet, and whether the way out has to wait for a release."""
    done = (Phase.ABSENT, Phase.MOOT, Phase.UNPROTECTED, Phase.UNAVAILABLE)
    # A first look that gets no answer found nothing of ours to let go; it is not worth waiting for.
    return ProtectionWants(quiet=state.quiet, settled=state.phase in (*done, Phase.LOOKING))


def wake_at(state: Protection) -> Instant:
    """Return when time alone will change something here."""
    if state.phase in (Phase.ABSENT, Phase.MOOT):
        return NEVER
    instants = [state.quiet_until]
    if state.phase in (*LEASED, Phase.RELEASING):
        instants.append(state.expires_at)
    if state.phase in LEASED and state.quiet is None and not state.leaving:
        instants.append(after(state.protected_since, state.policy.budget))
    if state.request is not None:
        return earliest(after(state.request.at, ANSWER_TIMEOUT_SECONDS), *instants)
    match state.phase:
        case Phase.LOOKING | Phase.ACQUIRING | Phase.RELEASING:
            instants.append(state.retry_at)
        case Phase.PROTECTED:
            instants.append(state.renew_at if state.demand else _release_at(state))
        case Phase.RENEWING:
            instants.append(state.retry_at if state.demand else _release_at(state))
        case Phase.UNAVAILABLE if state.demand:
            instants.append(state.retry_at)
        case Phase.UNPROTECTED | Phase.UNAVAILABLE:
            pass
    return earliest(*instants)


def _absorb(state: Protection, event: Event | Inner, now: Instant) -> tuple[Protection, tuple[Effect, ...]]:
    match event:
        case DemandIs(wanted=wanted, fetching=fetching):
            ignored = state.quiet_ignored or (wanted and state.quiet is not None)
            idle_since = NEVER if wanted else now if state.demand else state.idle_since
            state = replace(state, demand=wanted, fetching=fetching, idle_since=idle_since)
            return replace(state, quiet_ignored=ignored), ()
        case StopBegan(by_platform=True):
            # The request in flight, if any, is left to itself: its answer changes nothing any more.
            return move(replace(state, request=None), Phase.MOOT, "ECS ends the task"), ()
        case StopBegan():
            return replace(state, leaving=True, quiet=None, quiet_until=NEVER), ()
        case (
            ProtectionGranted()
            | ProtectionCleared()
            | ProtectionRefused()
            | ProtectionUnknown()
            | ProtectionSeen()
        ):
            if state.request is None or event.attempt != state.request.attempt:
                return state, ()
            return answered(replace(state, request=None), state.request, event, now)
        case _:
            return state, ()


def _settle(state: Protection, now: Instant) -> tuple[Protection, tuple[Effect, ...]]:
    """Do what the facts and the clock call for, until nothing more follows."""
    effects: list[Effect] = []
    while (moved := _next(state, now)) is not None:
        state, more = moved
        effects += more
    return state, tuple(effects)


def _next(state: Protection, now: Instant) -> tuple[Protection, tuple[Effect, ...]] | None:
    if state.request is not None and after(state.request.at, ANSWER_TIMEOUT_SECONDS) <= now:
        return unknown(replace(state, request=None), state.request, "no answer", now)
    if state.phase in (*LEASED, Phase.RELEASING) and state.expires_at <= now:
        return _expired(state, now)
    if (quiet := _quiet(state, now)) is not None:
        return quiet
    if state.request is not None:
        return None
    due = state.retry_at <= now
    match state.phase:
        case Phase.LOOKING if state.demand:
            return move(replace(state, retry_at=now), Phase.ACQUIRING, "demand"), ()
        case Phase.LOOKING if due or state.attempts == 0:
            return _ask(state, Asked.LOOK, now)
        case Phase.UNPROTECTED if state.demand:
            # After a refusal the pause goes on, however often the demand comes and goes: a fleet of short jobs must not
            # answer throttling with a request for each job.
            return move(replace(state, retry_at=not_before(state, now)), Phase.ACQUIRING, "demand"), ()
        case Phase.UNAVAILABLE if state.demand and due:
            return move(replace(state, retry_at=now), Phase.ACQUIRING, "time to ask again"), ()
        case Phase.ACQUIRING if not state.demand and not state.maybe_on:
            return move(state, Phase.UNPROTECTED, "no demand any more"), ()
        case Phase.ACQUIRING if not state.demand:
            because = "no demand any more, and it may be on"
            return move(replace(state, retry_at=not_before(state, now)), Phase.RELEASING, because), ()
        case Phase.ACQUIRING if due:
            return _ask(state, Asked.LOOK if state.look_first else Asked.PROTECT, now)
        case Phase.PROTECTED if state.demand and state.renew_at <= now:
            return move(replace(state, retry_at=now), Phase.RENEWING, "the lease has to be renewed"), ()
        case Phase.PROTECTED | Phase.RENEWING if not state.demand and _release_at(state) <= now:
            return move(replace(state, retry_at=now, look_first=False), Phase.RELEASING, "no demand"), ()
        case Phase.RENEWING if state.demand and due:
            return _ask(state, Asked.LOOK if state.look_first else Asked.PROTECT, now)
        case Phase.RELEASING if state.demand and not state.maybe_off and state.expires_at != NEVER:
            return move(
                replace(state, retry_at=NEVER, tries=0), Phase.PROTECTED, "demand before it was released"
            ), ()
        case Phase.RELEASING if state.demand:
            return move(replace(state, retry_at=not_before(state, now)), Phase.ACQUIRING, "demand"), ()
        case Phase.RELEASING if due:
            return _ask(state, Asked.LOOK if state.look_first else Asked.UNPROTECT, now)
        case _:
            return None


def _expired(state: Protection, now: Instant) -> tuple[Protection, tuple[Effect, ...]]:
    if state.phase is not Phase.RELEASING:
        return lapse(state, now)
    if state.request is not None:
        # The answer is on its way and decides; only the lease itself is over.
        return replace(state, expires_at=NEVER), ()
    return off(state, "expired by itself")


def _quiet(state: Protection, now: Instant) -> tuple[Protection, tuple[Effect, ...]] | None:
    """Begin, count and end the time in which no new work is welcome."""
    if state.leaving:
        return None
    if state.quiet is None:
        spent = state.phase in LEASED and after(state.protected_since, state.policy.budget) <= now
        if not spent:
            return None
        told = note("protection.budget_spent", Level.WARNING, seconds=round(now - state.protected_since, 1))
        state = replace(state, quiet_ignored=False, quiet_leased=True)
        return replace(state, quiet="the protected-time budget is spent"), (told,)
    if state.demand or state.phase not in (Phase.UNPROTECTED, Phase.UNAVAILABLE):
        # Work that a worker takes all the same is protected like any other; the window then begins anew.
        return (replace(state, quiet_until=NEVER), ()) if state.quiet_until != NEVER else None
    if state.quiet_until == NEVER:
        # Where nothing was let go, ECS could act all the time. This is how the new tasks of a deployment fare while the
        # old ones hold all the protection there may be: a window would only leave their work undone.
        window = state.policy.window if state.quiet_leased else state.policy.refused_window
        begun = note("protection.window", reason=state.quiet, seconds=window)
        return replace(state, quiet_until=after(now, window)), (begun,) if window > 0 else ()
    if state.quiet_until <= now:
        return replace(state, quiet=None, quiet_until=NEVER, last_refusal=None), ()
    return None


def _ask(state: Protection, asked: Asked, now: Instant) -> tuple[Protection, tuple[Effect, ...]]:
    attempt = Attempt(state.attempts + 1)
    state = replace(
        state, attempts=attempt, request=Request(attempt, asked, now), asked_at=now, retry_at=NEVER
    )
    match asked:
        case Asked.PROTECT:
            return state, (Protect(attempt, state.policy.lease_minutes),)
        case Asked.UNPROTECT:
            return state, (Unprotect(attempt),)
        case Asked.LOOK:
            return state, (LookAtProtection(attempt),)


def _never_applies(state: Protection) -> bool:
    return state.phase is Phase.UNAVAILABLE and state.retry_at == NEVER


def _release_at(state: Protection) -> Instant:
    # The delay spares requests between one job and the next. On the way out there is no next one, and neither is there
    # while the task is quiet, unless its worker has shown that it takes work all the same.
    is_last = state.leaving or (state.quiet is not None and not state.quiet_ignored)
    if not is_last:
        return after(state.idle_since, state.policy.release_delay)
    # Somebody was told to fetch before the gate shut: what that brings should find the task protected.
    return after(state.idle_since, LONGEST_FETCH_SECONDS if state.fetching else 0.0)
