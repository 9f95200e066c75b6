"""One probe: what may be said of a worker that is seen only from outside, one look at a time.

Rules
  1. Seen busy is busy at once. Idle is believed only when nothing but idle was seen for the settle time, which is longer
     than the slowest publisher of what is looked at (Sidekiq writes its title every 5 s).
  2. A probe is a holder with one hold. While it believes in work that hold is work. While it believes in idle, and work is
     welcome, it holds as somebody who looks for work does: a job can begin between two looks, so a stop has to wait for it,
     but it is no reason to be protected.
  3. Once no new work is taken, what was seen before proves nothing: idle has to be seen anew for the settle time. Only
     then, or when no process is left, does the probe let go.
  4. A look that cannot tell keeps the last belief and breaks a run of idle. For longer than its patience that is believed
     to be work: a worker that is too busy to answer looks just like this, and protection that lasts too long costs less
     than a job. Only a probe that has never got an answer stays without a belief, because it was probably set up wrongly.
  5. Some probes prove busy and nothing else (processor time): they hold while they see it, and never look for work.

How it moves: EDGES below.

Mind: looks come when they come, so nothing here waits for a clock; a belief changes with a look or not at all. The
instant is the one at which a look began: what it says may be as old as that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from .edges import Edge, check_move, edges_from
from .effects import Level, Note, note
from .events import HoldReleased, HoldTaken
from .instants import NEVER, Instant, after, earliest
from .names import HolderId, HoldId


class Phase(Enum):
    LOOKING = "looking"
    BUSY = "busy"
    SETTLING = "settling"
    IDLE = "idle"
    CLEAR = "clear"


EDGES = (
    *edges_from((Phase.LOOKING, Phase.SETTLING, Phase.IDLE, Phase.CLEAR), Phase.BUSY, "activity was seen"),
    *edges_from((Phase.LOOKING, Phase.IDLE), Phase.BUSY, "it could not tell for too long"),
    Edge(Phase.SETTLING, Phase.BUSY, "it could not tell whether idle goes on"),
    Edge(Phase.BUSY, Phase.SETTLING, "idle was seen"),
    *edges_from((Phase.LOOKING, Phase.SETTLING), Phase.IDLE, "idle for the settle time"),
    *edges_from((Phase.LOOKING, Phase.SETTLING), Phase.CLEAR, "idle for the settle time, with no new work"),
    Edge(Phase.IDLE, Phase.LOOKING, "no new work is taken, so idle has to be seen anew"),
    Edge(Phase.CLEAR, Phase.LOOKING, "new work is taken again"),
    *edges_from(
        (Phase.LOOKING, Phase.BUSY, Phase.SETTLING, Phase.IDLE),
        Phase.CLEAR,
        "no process of the worker is left",
    ),
)


@dataclass(frozen=True, slots=True)
class Busy:
    """A look saw activity; about: what it was, for people."""

    about: str


@dataclass(frozen=True, slots=True)
class Idle:
    """A look saw none, and would have seen it."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A look failed, or what it saw means neither."""

    why: str


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no process left that could be busy."""


@dataclass(frozen=True, slots=True)
class Welcome:
    """Whether new work is welcome has changed."""

    accepting: bool


Sample = Busy | Idle | Unknown | Gone

Order = HoldTaken | HoldReleased | Note


@dataclass(frozen=True, slots=True)
class ProbePolicy:
    """settle: seconds of nothing but idle before it is believed. patience: seconds of looks that cannot tell.

    proves_idle: whether seeing nothing means anything.
    """

    name: str
    settle: float
    patience: float = 5.0
    proves_idle: bool = True

    def __post_init__(self) -> None:
        if self.settle < 0 or self.patience <= 0:
            raise ValueError("`settle` may not be negative and `patience` must be more than zero seconds")


@dataclass(frozen=True, slots=True)
class Probing:
    """What one probe has seen, and what it is waiting for."""

    policy: ProbePolicy
    phase: Phase = Phase.LOOKING
    accepting: bool = True
    about: str = ""
    idle_since: Instant = NEVER
    blind_since: Instant = NEVER
    has_answered: bool = False
    told_blind: bool = False


class _Claim(Enum):
    NONE = "none"
    LOOKS = "looks for work"
    WORK = "work"


def begin(policy: ProbePolicy) -> tuple[Probing, tuple[Order, ...]]:
    """Return a probe that has not looked yet, and what it claims meanwhile."""
    state = Probing(policy)
    return state, _claimed(state, _Claim.NONE)


def step(state: Probing, fact: Sample | Welcome, now: Instant) -> tuple[Probing, tuple[Order, ...]]:
    """Take in one look, or whether new work is welcome. now: for a look, when it began."""
    before = _claim(state)
    notes: tuple[Note, ...] = ()
    match fact:
        case Busy(about=about):
            state, notes = _answered(replace(state, about=about, idle_since=NEVER))
            state = state if state.phase is Phase.BUSY else _move(state, Phase.BUSY, "activity was seen")
        case Idle():
            state, notes = _answered(_there(state))
            state = _saw_idle(state, now)
        case Unknown(why=why):
            state, notes = _cannot_tell(_there(state), why, now)
        case Gone():
            state = replace(state, idle_since=NEVER, blind_since=NEVER)
            if state.phase is not Phase.CLEAR:
                state = _move(state, Phase.CLEAR, "no process of the worker is left")
        case Welcome(accepting=accepting):
            state = _welcome(state, accepting)
    return state, (*notes, *_claimed(state, before))


def is_deciding(state: Probing) -> bool:
    """Say whether somebody waits for this probe to see idle: no new work is taken, and it has not let go yet."""
    return not state.accepting and state.phase is not Phase.CLEAR


def decides_at(state: Probing) -> Instant:
    """Return when a look that sees idle would change what is believed; NEVER while none would."""
    if state.phase not in (Phase.SETTLING, Phase.LOOKING) or state.idle_since == NEVER:
        return NEVER
    return after(state.idle_since, state.policy.settle)


def _there(state: Probing) -> Probing:
    """Take note that there is a worker to look at: after it was gone, one has been started again."""
    if state.phase is Phase.CLEAR and state.accepting:
        return _move(state, Phase.LOOKING, "new work is taken again")
    return state


def _answered(state: Probing) -> tuple[Probing, tuple[Note, ...]]:
    notes = (note("probe.sees_again", probe=state.policy.name),) if state.told_blind else ()
    return replace(state, has_answered=True, blind_since=NEVER, told_blind=False), notes


def _saw_idle(state: Probing, now: Instant) -> Probing:
    state = replace(state, idle_since=earliest(state.idle_since, now))
    if state.phase is Phase.BUSY:
        state = _move(state, Phase.SETTLING, "idle was seen")
    if now < decides_at(state):
        return state
    if state.accepting:
        return _move(state, Phase.IDLE, "idle for the settle time")
    return _move(state, Phase.CLEAR, "idle for the settle time, with no new work")


def _cannot_tell(state: Probing, why: str, now: Instant) -> tuple[Probing, tuple[Note, ...]]:
    state = replace(state, idle_since=NEVER, blind_since=earliest(state.blind_since, now))
    if state.phase is Phase.SETTLING:
        state = _move(state, Phase.BUSY, "it could not tell whether idle goes on")
    if now < after(state.blind_since, state.policy.patience):
        return state, ()
    believes = state.has_answered and state.policy.proves_idle
    if believes and state.phase in (Phase.LOOKING, Phase.IDLE):
        about = f"cannot tell: {why}"
        state = _move(replace(state, about=about), Phase.BUSY, "it could not tell for too long")
    if state.told_blind:
        return state, ()
    so = "this counts as work" if state.phase is Phase.BUSY else "this probe protects nothing"
    told = note("probe.blind", Level.WARNING, probe=state.policy.name, why=why, so=so)
    return replace(state, told_blind=True), (told,)


def _welcome(state: Probing, accepting: bool) -> Probing:
    if accepting == state.accepting:
        return state
    state = replace(state, accepting=accepting)
    if accepting:
        again = state.phase is Phase.CLEAR
        return _move(state, Phase.LOOKING, "new work is taken again") if again else state
    # What began just before is perhaps not published yet.
    state = replace(state, idle_since=NEVER)
    if state.phase is Phase.IDLE:
        return _move(state, Phase.LOOKING, "no new work is taken, so idle has to be seen anew")
    return state


def _claim(state: Probing) -> _Claim:
    match state.phase:
        case Phase.BUSY | Phase.SETTLING:
            return _Claim.WORK
        case Phase.LOOKING | Phase.IDLE if state.policy.proves_idle:
            return _Claim.LOOKS
        case Phase.LOOKING | Phase.IDLE | Phase.CLEAR:
            return _Claim.NONE


def _claimed(state: Probing, before: _Claim) -> tuple[Order, ...]:
    """Return what to say of the hold where it is another one than before."""
    claim, name = _claim(state), state.policy.name
    if claim is before:
        return ()
    match claim:
        case _Claim.WORK:
            return (HoldTaken(HoldId(name), HolderId(name), state.about),)
        case _Claim.LOOKS:
            return (HoldTaken(HoldId(name), HolderId(name), "looks whether it is idle", fetching=True),)
        case _Claim.NONE:
            return (HoldReleased(HoldId(name)),)


def _move(state: Probing, phase: Phase, because: str) -> Probing:
    return replace(state, phase=check_move(EDGES, state.phase, phase, because))
