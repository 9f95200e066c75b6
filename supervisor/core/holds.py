"""Who says that work is in flight, until when, and who died holding.

Rules
  1. A hold ends exactly once: released, expired, ended with its holder, refused, or abandoned at the drain deadline.
  2. Every ending is idempotent; an unknown hold is no error. There is no counter that could run wrong.
  3. A holder need not say goodbye: its death, seen from outside, ends all it held.
  4. In flight counts every hold from its first moment; demand counts only what protection should cover: not a job that
     is younger than `after` (one shorter than the drain needs none) unless it says `at_once`, not a fetch that may bring nothing.
  5. A holder that asks first (protect before-start) waits at most `wait` seconds, then gets its answer by policy.

How it moves: EDGES below; each hold moves for itself.

Mind: this is the busiest machine, touched twice by every job. `step` copies one dict of the holds that are open and
nothing else; `next_at` is kept so that the engine need not look at every hold to know when to wake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from .changes import replace
from .edges import Edge, check_move
from .effects import Effect, Grant, Level, Note, Refuse, note
from .events import Event, HolderDied, HoldRefreshed, HoldReleased, HoldTaken, JobsCounted
from .inner import DemandIs, FlightIs, Inner, ProtectionIs, StopBegan
from .instants import NEVER, Instant, after, earliest
from .names import HolderId, HoldId


class Phase(Enum):
    WAITING = "waiting"
    HELD = "held"
    ENDED = "ended"


EDGES = (
    Edge(Phase.WAITING, Phase.HELD, "protection is confirmed"),
    Edge(Phase.WAITING, Phase.HELD, "protection does not apply here"),
    Edge(Phase.WAITING, Phase.HELD, "no protection in time, and the policy is open"),
    Edge(Phase.WAITING, Phase.ENDED, "no protection in time, and the policy is closed"),
    Edge(Phase.WAITING, Phase.ENDED, "the way out has begun"),
    Edge(Phase.WAITING, Phase.ENDED, "released"),
    Edge(Phase.WAITING, Phase.ENDED, "the holder died"),
    Edge(Phase.HELD, Phase.ENDED, "released"),
    Edge(Phase.HELD, Phase.ENDED, "its time to live passed"),
    Edge(Phase.HELD, Phase.ENDED, "the holder died"),
)


@dataclass(frozen=True, slots=True)
class HoldPolicy:
    """after: seconds a job runs before it counts as demand. wait: seconds a holder that asks may have to wait.

    before_start: holders that ask are answered only when protection is confirmed (otherwise at once).
    fail_open: what a holder hears when protection cannot be had: start (True) or do not (False).
    """

    after: float = 0.0
    before_start: bool = False
    wait: float = 10.0
    fail_open: bool = True

    def __post_init__(self) -> None:
        if self.after < 0 or self.wait <= 0:
            raise ValueError("`after` may not be negative and `wait` must be more than zero seconds")


@dataclass(frozen=True)
class Hold:
    """expires_at, answer_by: NEVER where it does not expire, and where nobody waits for an answer."""

    id: HoldId
    holder: HolderId
    about: str
    taken_at: Instant
    fetching: bool = False
    at_once: bool = False
    ttl: float | None = None
    phase: Phase = Phase.HELD
    expires_at: Instant = NEVER
    answer_by: Instant = NEVER


@dataclass(frozen=True)
class Holds:
    """taken: how many ever were. fetchers: how many of the open ones only look for work. next_at: when to look at the clock.

    next_at may come before anything is due: of thousands, the next is only searched for when the last known one has passed.
    """

    policy: HoldPolicy
    open: Mapping[HoldId, Hold] = field(default_factory=dict)
    protection: ProtectionIs = ProtectionIs(confirmed=False, applicable=True, hopeless=None)
    leaving: bool = False
    taken: int = 0
    fetchers: int = 0
    next_at: Instant = NEVER


def step(state: Holds, event: Event | Inner, now: Instant) -> tuple[Holds, tuple[Effect, ...]]:
    """Take one fact in. Facts that are not about holds change nothing but what time has changed."""
    match event:
        case HoldTaken():
            return _take(state, event, now)
        case HoldRefreshed(hold=id_) if (hold := state.open.get(id_)) is not None:
            return _put(state, _refreshed(replace(hold, ttl=event.ttl), now), now), ()
        case HoldReleased(hold=id_) if (hold := state.open.get(id_)) is not None:
            _end(hold, "released")
            return _without(state, (hold,)), ()
        case JobsCounted(count=count):
            return replace(state, taken=state.taken + count), ()
        case HolderDied(holder=holder, why=why):
            return _bury(state, holder, why)
        case ProtectionIs():
            return _answer_waiting(replace(state, protection=event), now)
        case StopBegan():
            return _answer_waiting(replace(state, leaving=True), now)
        case _:
            return _pass_time(state, now) if state.next_at <= now else (state, ())


def in_flight(state: Holds) -> FlightIs:
    """List every open hold, oldest first; those that only look for work are counted."""
    work = tuple((hold.id, describe(hold)) for hold in state.open.values() if not hold.fetching)
    return FlightIs(work, state.fetchers)


def jobs(state: Holds) -> int:
    """Count the open holds that are work, not a look for it."""
    return len(state.open) - state.fetchers


def is_working(state: Holds) -> bool:
    """Say whether anything is in flight that a stop has to wait for: who still waits to begin is turned away by it."""
    return any(hold.phase is Phase.HELD for hold in state.open.values())


def describe(hold: Hold) -> str:
    """Name a hold for a log line: what it is about and who holds it."""
    return f"{hold.about or 'unnamed'} ({hold.holder})"


def demand(state: Holds, now: Instant) -> DemandIs:
    """Say whether protection is wanted now, and whether somebody may begin to want it at any moment."""
    wanted = any(_counts_at(state.policy, hold) <= now for hold in state.open.values())
    return DemandIs(wanted, state.fetchers > 0)


def wake_at(state: Holds) -> Instant:
    """Return when time alone will change something here."""
    return state.next_at


def _take(state: Holds, event: HoldTaken, now: Instant) -> tuple[Holds, tuple[Effect, ...]]:
    if (known := state.open.get(event.hold)) is not None:
        # Said again, after a reconnect or out of care: the claim is refreshed, not doubled.
        about = event.about or known.about
        again = _refreshed(replace(known, about=about, fetching=event.fetching, ttl=event.ttl), now)
        if known.fetching and not event.fetching:
            # What was fetched is work now, and counts from now.
            again = replace(again, taken_at=now)
        effects: tuple[Effect, ...] = ()
        if event.asks and known.phase is Phase.HELD:
            effects = (Grant(known.id, state.protection.confirmed),)
        return _put(state, again, now), effects
    begins = not event.asks or (not state.leaving and (event.fetching or not state.policy.before_start))
    hold = Hold(
        event.hold,
        event.holder,
        event.about,
        now,
        event.fetching,
        event.at_once,
        event.ttl,
        Phase.HELD if begins else Phase.WAITING,
        # What has not begun cannot hang: its time to live counts from the answer.
        expires_at=_expiry(event.ttl, now) if begins else NEVER,
        answer_by=NEVER if begins else after(now, state.policy.wait),
    )
    state = _put(state, hold, now, taken=state.taken + 1)
    if not begins:
        return _answer_waiting(state, now)
    return state, (Grant(hold.id, state.protection.confirmed),) if event.asks else ()


def _answer_waiting(state: Holds, now: Instant) -> tuple[Holds, tuple[Effect, ...]]:
    """Answer everyone who waits and can be answered now."""
    effects: list[Effect] = []
    for hold in tuple(state.open.values()):
        if hold.phase is Phase.WAITING and (verdict := _verdict(state, hold, now)) is not None:
            state, answer = verdict
            effects += answer
    return state, tuple(effects)


def _verdict(state: Holds, hold: Hold, now: Instant) -> tuple[Holds, tuple[Effect, ...]] | None:
    protection = state.protection
    if state.leaving:
        _end(hold, "the way out has begun")
        return _without(state, (hold,)), (Refuse(hold.id, "the task is being stopped"),)
    if protection.confirmed:
        return _grant(state, hold, "protection is confirmed", now)
    if not protection.applicable:
        return _grant(state, hold, "protection does not apply here", now)
    why = protection.hopeless or (
        f"no protection within {state.policy.wait:g} s" if hold.answer_by <= now else None
    )
    if why is None:
        return None
    told = _note_unprotected(state.policy, hold, why)
    if state.policy.fail_open:
        state, effects = _grant(state, hold, "no protection in time, and the policy is open", now)
        return state, (*effects, told)
    _end(hold, "no protection in time, and the policy is closed")
    return _without(state, (hold,)), (Refuse(hold.id, why), told)


def _note_unprotected(policy: HoldPolicy, hold: Hold, why: str) -> Note:
    name = "hold.unprotected" if policy.fail_open else "hold.refused"
    return note(name, Level.WARNING, hold=describe(hold), why=why)


def _grant(state: Holds, hold: Hold, because: str, now: Instant) -> tuple[Holds, tuple[Effect, ...]]:
    phase = check_move(EDGES, hold.phase, Phase.HELD, because)
    held = _refreshed(replace(hold, phase=phase, answer_by=NEVER), now)
    return _put(state, held, now), (Grant(hold.id, state.protection.confirmed),)


def _bury(state: Holds, holder: HolderId, why: str) -> tuple[Holds, tuple[Effect, ...]]:
    gone = tuple(hold for hold in state.open.values() if hold.holder == holder)
    if not gone:
        return state, ()
    for hold in gone:
        _end(hold, "the holder died")
    told = note(
        "holder.died", Level.WARNING, holder=holder, why=why, work=tuple(describe(hold) for hold in gone)
    )
    return _without(state, gone), (told,)


def _pass_time(state: Holds, now: Instant) -> tuple[Holds, tuple[Effect, ...]]:
    late = tuple(hold for hold in state.open.values() if hold.expires_at <= now)
    effects: list[Effect] = []
    for hold in late:
        _end(hold, "its time to live passed")
        effects.append(note("hold.expired", Level.WARNING, hold=describe(hold)))
    state, answers = _answer_waiting(_without(state, late), now)
    return _look_ahead(state, now), (*effects, *answers)


def _end(hold: Hold, because: str) -> None:
    check_move(EDGES, hold.phase, Phase.ENDED, because)


def _put(state: Holds, hold: Hold, now: Instant, taken: int | None = None) -> Holds:
    held = dict(state.open)
    known = held.get(hold.id)
    held[hold.id] = hold
    return replace(
        state,
        open=held,
        # The one that changed can only bring the next instant nearer.
        next_at=earliest(state.next_at, _next_at(state.policy, hold, now)),
        taken=state.taken if taken is None else taken,
        fetchers=state.fetchers + hold.fetching - (known is not None and known.fetching),
    )


def _without(state: Holds, gone: tuple[Hold, ...]) -> Holds:
    held = dict(state.open)
    for hold in gone:
        del held[hold.id]
    fetchers = state.fetchers - sum(hold.fetching for hold in gone)
    return replace(state, open=held, fetchers=fetchers, next_at=state.next_at if held else NEVER)


def _look_ahead(state: Holds, now: Instant) -> Holds:
    """Search for the next instant at which anything is due."""
    nexts = (_next_at(state.policy, hold, now) for hold in state.open.values())
    return replace(state, next_at=earliest(*nexts))


def _next_at(policy: HoldPolicy, hold: Hold, now: Instant) -> Instant:
    counts_at = _counts_at(policy, hold)
    return earliest(hold.expires_at, hold.answer_by, counts_at if counts_at > now else NEVER)


def _counts_at(policy: HoldPolicy, hold: Hold) -> Instant:
    if hold.fetching:
        return NEVER
    # A holder that waits for protection wants it whatever its age.
    if hold.at_once or hold.phase is Phase.WAITING:
        return hold.taken_at
    return after(hold.taken_at, policy.after)


def _refreshed(hold: Hold, now: Instant) -> Hold:
    return replace(hold, expires_at=NEVER if hold.phase is Phase.WAITING else _expiry(hold.ttl, now))


def _expiry(ttl: float | None, now: Instant) -> Instant:
    return NEVER if ttl is None else after(now, ttl)
