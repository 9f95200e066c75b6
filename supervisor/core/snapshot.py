"""How things stand at one instant, for status, logs and dumps: values only, all times as seconds from that instant."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HoldView:
    id: str
    holder: str
    about: str
    phase: str
    age: float
    expires_in: float | None


@dataclass(frozen=True, slots=True)
class WorkerView:
    name: str
    phase: str
    pid: int | None
    status: int | None
    starts: int
    starts_in: float | None


@dataclass(frozen=True, slots=True)
class ProtectionView:
    """because: why it is as it is, for people. requests: how many the protector has had from us."""

    phase: str
    confirmed: bool
    expires_in: float | None
    because: str | None
    request_for: float | None
    retry_in: float | None
    requests: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """phase_for: how long already. seconds_left: until work in flight is interrupted. exits_in: until we are gone at the latest.

    stages: the whole stop sequence. stage: the one that runs.
    """

    phase: str
    phase_for: float
    accepting: bool
    quiet_because: str | None
    workers: tuple[WorkerView, ...]
    holds: tuple[HoldView, ...]
    holds_taken: int
    protection: ProtectionView
    stages: str
    stage: str | None
    seconds_left: float | None
    exits_in: float | None
