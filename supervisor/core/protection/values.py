"""What the protection machine is made of: its phases, its legal moves, its policy and its state."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from supervisor.core.backoff import Backoff
from supervisor.core.edges import Edge, check_move, edges_from
from supervisor.core.instants import NEVER, Instant
from supervisor.core.names import Attempt

# The API's range for ExpiresInMinutes (UpdateTaskProtection, ECS API Reference).
LONGEST_LEASE_MINUTES = 2880


class Phase(Enum):
    ABSENT = "not on ECS"
    LOOKING = "looking"
    UNPROTECTED = "unprotected"
    ACQUIRING = "acquiring"
    PROTECTED = "protected"
    RENEWING = "renewing"
    RELEASING = "releasing"
    UNAVAILABLE = "unavailable"
    MOOT = "moot"


LEASED = (Phase.PROTECTED, Phase.RENEWING)


_ACTIVE = (
    Phase.LOOKING,
    Phase.UNPROTECTED,
    Phase.ACQUIRING,
    *LEASED,
    Phase.RELEASING,
    Phase.UNAVAILABLE,
)


EDGES = (
    Edge(Phase.LOOKING, Phase.UNPROTECTED, "nothing to adopt"),
    Edge(Phase.LOOKING, Phase.PROTECTED, "an earlier process left it on"),
    Edge(Phase.LOOKING, Phase.ACQUIRING, "demand"),
    Edge(Phase.UNPROTECTED, Phase.ACQUIRING, "demand"),
    Edge(Phase.UNAVAILABLE, Phase.ACQUIRING, "time to ask again"),
    *edges_from((Phase.ACQUIRING, Phase.RENEWING), Phase.PROTECTED, "granted"),
    *edges_from((Phase.ACQUIRING, Phase.RENEWING), Phase.PROTECTED, "seen to be on"),
    *edges_from((Phase.LOOKING, Phase.ACQUIRING), Phase.UNAVAILABLE, "refused for good"),
    Edge(Phase.ACQUIRING, Phase.UNPROTECTED, "no demand any more"),
    Edge(Phase.ACQUIRING, Phase.RELEASING, "no demand any more, and it may be on"),
    Edge(Phase.PROTECTED, Phase.RENEWING, "the lease has to be renewed"),
    Edge(Phase.RENEWING, Phase.ACQUIRING, "lapsed"),
    Edge(Phase.PROTECTED, Phase.ACQUIRING, "lapsed"),
    *edges_from(LEASED, Phase.RELEASING, "no demand"),
    *edges_from((*LEASED, Phase.RELEASING), Phase.UNPROTECTED, "expired by itself"),
    Edge(Phase.RELEASING, Phase.UNPROTECTED, "cleared"),
    Edge(Phase.RELEASING, Phase.ACQUIRING, "demand"),
    Edge(Phase.RELEASING, Phase.PROTECTED, "demand before it was released"),
    *edges_from(_ACTIVE, Phase.MOOT, "ECS ends the task"),
)


class WhenBlocked(Enum):
    QUIET = "quiet"
    KEEP_TRYING = "keep-trying"


@dataclass(frozen=True, slots=True)
class ProtectionPolicy:
    """lease_minutes: asked for each time. renew_before: seconds left at which to renew.

    release_delay: seconds without demand before protection is let go. budget: seconds of unbroken protection after
    which to be quiet. window: seconds to stay unprotected then. when_blocked: what a waiting deployment means.
    refused_window: the same where nothing was let go, because nothing had been granted.
    """

    lease_minutes: int = 60
    renew_before: float = 1800.0
    release_delay: float = 30.0
    when_blocked: WhenBlocked = WhenBlocked.QUIET
    budget: float = float("inf")
    window: float = 120.0
    refused_window: float = 0.0
    backoff: Backoff = field(default_factory=lambda: Backoff(first=1.0, longest=60.0))

    def __post_init__(self) -> None:
        problems = []
        if not 1 <= self.lease_minutes <= LONGEST_LEASE_MINUTES:
            problems.append(f"a lease lasts from 1 to {LONGEST_LEASE_MINUTES} minutes")
        if not 0 < self.renew_before < self.lease_minutes * 60:
            problems.append("a lease is renewed before it ends and after it begins")
        if min(self.release_delay, self.window, self.refused_window) < 0 or self.budget <= 0:
            problems.append("delays are not negative, and a budget is more than zero")
        if problems:
            raise ValueError("; ".join(problems))


class Asked(Enum):
    PROTECT = "protect"
    UNPROTECT = "unprotect"
    LOOK = "look"


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked last, and has no answer yet."""

    attempt: Attempt
    asked: Asked
    at: Instant


@dataclass(frozen=True, slots=True)
class Protection:
    """How the lease stands."""

    policy: ProtectionPolicy
    phase: Phase = Phase.LOOKING
    demand: bool = False
    fetching: bool = False
    leaving: bool = False
    request: Request | None = None
    attempts: int = 0
    tries: int = 0
    retry_at: Instant = NEVER
    asked_at: Instant = NEVER
    expires_at: Instant = NEVER
    renew_at: Instant = NEVER
    protected_since: Instant = NEVER
    idle_since: Instant = NEVER
    maybe_on: bool = False
    maybe_off: bool = False
    look_first: bool = False
    quiet: str | None = None
    quiet_ignored: bool = False
    quiet_leased: bool = False
    quiet_until: Instant = NEVER
    last_refusal: str | None = None


def is_confirmed(state: Protection, now: Instant) -> bool:
    """Say whether the task is protected beyond doubt at this instant."""
    return state.phase in LEASED and now < state.expires_at


def move(state: Protection, phase: Phase, because: str) -> Protection:
    return replace(state, phase=check_move(EDGES, state.phase, phase, because))
