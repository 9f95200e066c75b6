"""What each answer of the protector changes: a lease gained, kept, lost, or a pause before the next try."""

from __future__ import annotations

from dataclasses import replace

from supervisor.core.effects import Effect, Level, note
from supervisor.core.events import (
    ProtectionCleared,
    ProtectionGranted,
    ProtectionRefused,
    ProtectionSeen,
    ProtectionUnknown,
    Refusal,
)
from supervisor.core.instants import NEVER, Instant, after

from .values import LEASED, Asked, Phase, Protection, Request, WhenBlocked, move

# However short the leases that the agent grants, it is asked no more often than this.
LEAST_BETWEEN_SECONDS = 5.0


# A task role can be mended while the task runs, so even "not allowed" is asked again now and then.
NOT_ALLOWED_RETRY_SECONDS = 300.0


def answered(
    state: Protection,
    request: Request,
    event: ProtectionGranted | ProtectionCleared | ProtectionRefused | ProtectionUnknown | ProtectionSeen,
    now: Instant,
) -> tuple[Protection, tuple[Effect, ...]]:
    match event:
        case ProtectionGranted(lease=lease):
            return _granted(state, request.at, lease, "granted", now)
        case ProtectionCleared():
            return off(state, "cleared")
        case ProtectionSeen(left=left):
            return _seen(state, request.at, left, now)
        case ProtectionRefused():
            return _refused(state, request, event, now)
        case ProtectionUnknown(why=why):
            return unknown(state, request, why, now)


def _granted(
    state: Protection, asked_at: Instant, lease: float, because: str, now: Instant
) -> tuple[Protection, tuple[Effect, ...]]:
    name = "protection.renewed" if state.phase is Phase.RENEWING else "protection.acquired"
    told = note(name, lease=round(lease, 1), failed_tries=state.tries)
    since = now if state.protected_since == NEVER else state.protected_since
    state = replace(state, protected_since=since, last_refusal=None, quiet_leased=state.quiet is not None)
    state = _leased(state, asked_at, lease, now)
    return move(state, Phase.PROTECTED, because), (told,)


def _leased(state: Protection, asked_at: Instant, lease: float, now: Instant) -> Protection:
    # A lease that is shorter than asked for may be shorter than `renew_before`: then half of it has to do. Whatever the
    # agent answers, it is not asked in a tight loop.
    usable = lease - state.policy.renew_before if lease > state.policy.renew_before else lease / 2
    renew_at = max(after(asked_at, usable), after(now, LEAST_BETWEEN_SECONDS))
    state = replace(state, expires_at=after(asked_at, lease), renew_at=renew_at)
    return replace(state, maybe_on=True, maybe_off=False, tries=0, retry_at=NEVER, look_first=False)


def off(state: Protection, because: str) -> tuple[Protection, tuple[Effect, ...]]:
    """Note that the task is not protected any more."""
    told = () if state.phase is Phase.ACQUIRING else (note("protection.released", because=because),)
    state = replace(state, expires_at=NEVER, protected_since=NEVER, maybe_on=False, tries=0, retry_at=NEVER)
    return move(replace(state, maybe_off=False, look_first=False), Phase.UNPROTECTED, because), told


def _seen(
    state: Protection, asked_at: Instant, left: float | None, now: Instant
) -> tuple[Protection, tuple[Effect, ...]]:
    state = replace(state, look_first=False)
    match state.phase:
        case Phase.LOOKING if left is None:
            return move(replace(state, tries=0, retry_at=NEVER), Phase.UNPROTECTED, "nothing to adopt"), ()
        case Phase.LOOKING if left is not None:
            state = _leased(replace(state, protected_since=now, idle_since=now), asked_at, left, now)
            # What the earlier process asked for last may not have been carried out yet, and its release would not be
            # seen. So whoever works has it asked for anew.
            state = replace(state, renew_at=after(now, LEAST_BETWEEN_SECONDS))
            told = note("protection.adopted", lease=round(left, 1))
            return move(state, Phase.PROTECTED, "an earlier process left it on"), (told,)
        case Phase.RELEASING if left is None:
            return off(state, "cleared")
        case Phase.RENEWING if left is None:
            return lapse(state, now)
        case Phase.ACQUIRING | Phase.RENEWING if left is not None and left > state.policy.renew_before:
            # By a wall clock of ours that is slow it lasts longer than it can.
            return _granted(state, asked_at, min(left, state.policy.lease_minutes * 60), "seen to be on", now)
        case _:
            return _try_later(replace(state, maybe_on=left is not None, maybe_off=left is None), now), ()


def _refused(
    state: Protection, request: Request, event: ProtectionRefused, now: Instant
) -> tuple[Protection, tuple[Effect, ...]]:
    first = state.last_refusal != event.code
    state = replace(state, last_refusal=event.code)
    fields = {"code": event.code, "asked": request.asked.value, "detail": event.detail or event.kind.value}
    told = (note("protection.refused", Level.WARNING, **fields),) if first else ()
    match event.kind:
        case Refusal.BLOCKED:
            state = _try_later(state, now)
            if state.policy.when_blocked is WhenBlocked.QUIET and state.quiet is None and not state.leaving:
                leased = state.phase in LEASED
                state = replace(
                    state, quiet="a deployment waits for this task", quiet_ignored=False, quiet_leased=leased
                )
            return state, told
        case Refusal.NOT_A_SERVICE_TASK if state.phase in (Phase.ACQUIRING, Phase.LOOKING):
            state = move(replace(state, retry_at=NEVER), Phase.UNAVAILABLE, "refused for good")
            return state, (note("protection.not_applicable", code=event.code, detail=event.detail),)
        case Refusal.NOT_ALLOWED if (
            state.phase in (Phase.ACQUIRING, Phase.LOOKING) and request.asked is not Asked.LOOK
        ):
            state = replace(state, retry_at=after(now, NOT_ALLOWED_RETRY_SECONDS))
            state = move(state, Phase.UNAVAILABLE, "refused for good")
            return state, (note("protection.not_allowed", Level.ERROR, **fields),) if first else ()
        case Refusal.NOT_ALLOWED if state.phase is Phase.LOOKING:
            # The role may still be allowed to update; that is found out when somebody works.
            return move(state, Phase.UNPROTECTED, "nothing to adopt"), told
        case _:
            return _try_later(replace(state, look_first=False), now), told


def unknown(
    state: Protection, request: Request, why: str, now: Instant
) -> tuple[Protection, tuple[Effect, ...]]:
    told = (
        (note("protection.unknown", Level.WARNING, asked=request.asked.value, why=why),)
        if state.tries == 0
        else ()
    )
    if request.asked is Asked.LOOK:
        # Looking failed as well: repeating the request itself is safe, it sets a state and does not count.
        return _try_later(replace(state, look_first=False), now), told
    if request.asked is Asked.PROTECT:
        state = replace(state, maybe_on=True)
    else:
        state = replace(state, maybe_off=True)
    return replace(state, look_first=True, tries=state.tries + 1, retry_at=now), told


def lapse(state: Protection, now: Instant) -> tuple[Protection, tuple[Effect, ...]]:
    state = replace(state, expires_at=NEVER, protected_since=NEVER)
    if not state.demand:
        return off(state, "expired by itself")
    lost = note("protection.lapsed", Level.ERROR, last_refusal=state.last_refusal, failed_tries=state.tries)
    # A retry that is planned already keeps its time: a lapse is no reason to press an agent that is in trouble.
    retry_at = max(not_before(state, now), after(state.asked_at, LEAST_BETWEEN_SECONDS))
    return move(replace(state, retry_at=retry_at), Phase.ACQUIRING, "lapsed"), (lost,)


def _try_later(state: Protection, now: Instant) -> Protection:
    tries = state.tries + 1
    return replace(state, tries=tries, retry_at=after(now, state.policy.backoff.delay(tries)))


def not_before(state: Protection, now: Instant) -> Instant:
    """Return when to ask next: now, unless a pause is running."""
    return now if state.retry_at == NEVER else max(now, state.retry_at)
