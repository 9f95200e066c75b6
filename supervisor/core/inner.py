"""What one machine of the core tells another, by way of the engine; the shell never sends these."""

from __future__ import annotations

from dataclasses import dataclass

from .names import HoldId, WorkerName


@dataclass(frozen=True, slots=True)
class DemandIs:
    """Holds to protection: somebody's work wants the task protected, or nobody's does; and whether anybody looks for work."""

    wanted: bool
    fetching: bool = False


@dataclass(frozen=True, slots=True)
class FlightIs:
    """Holds to lifecycle: what is in flight, each with a description for people, and how many only look for work."""

    work: tuple[tuple[HoldId, str], ...]
    fetching: int = 0

    @property
    def is_empty(self) -> bool:
        return not self.work and not self.fetching


@dataclass(frozen=True, slots=True)
class GatesAre:
    """Attachments to lifecycle: how many gates there are, and whose are not confirmed shut, described for people."""

    count: int
    unconfirmed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkersAre:
    """Workers to lifecycle: who may be signalled, who is still to come back, and how the first that ended ended."""

    alive: tuple[WorkerName, ...]
    pending: bool
    status: int | None
    failed: bool


@dataclass(frozen=True, slots=True)
class ProtectionIs:
    """Protection to holds: whether it is confirmed, and whether waiting for it can help at all."""

    confirmed: bool
    applicable: bool
    hopeless: str | None


@dataclass(frozen=True, slots=True)
class ProtectionWants:
    """Protection to lifecycle: to be quiet for a reason or not, and whether it has anything left to let go."""

    quiet: str | None
    settled: bool


@dataclass(frozen=True, slots=True)
class StopBegan:
    """Lifecycle to all: the way out has begun, and no new work is welcome.

    by_platform: ECS is ending the task itself, so that a lease cannot help any more.
    """

    by_platform: bool


Inner = DemandIs | FlightIs | GatesAre | WorkersAre | ProtectionIs | ProtectionWants | StopBegan
