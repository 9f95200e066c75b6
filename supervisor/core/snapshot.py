"""How things stand at one instant, for status, logs and dumps: values only, all times as seconds from that instant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from . import lifecycle, protection
from .attachments import Attached, Attachments
from .holds import Hold, Holds
from .instants import Instant, seconds_left
from .sequence import format_stages
from .worker import Worker


@dataclass(frozen=True, slots=True)
class HoldView:
    """age, expires_in: seconds."""

    id: str
    holder: str
    about: str
    phase: str
    age: float
    expires_in: float | None


@dataclass(frozen=True, slots=True)
class HookView:
    """gate: `open`, `shut`, or None where the hook has none. reserved: jobs fetched but not begun."""

    about: str
    framework: str
    version: str
    gate: str | None
    reserved: int


@dataclass(frozen=True, slots=True)
class WorkerView:
    """starts: how often it was started. starts_in: seconds until it is started again."""

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
class Standing:
    """What somebody with work wants to know. protected_for: seconds of the lease that are left; because: why it is as it is.

    may_be_protected: whether waiting for protection can help, as far as is known.
    """

    phase: str
    accepting: bool
    stopping: bool
    seconds_left: float | None
    protected: bool
    may_be_protected: bool
    protected_for: float | None
    because: str | None


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
    hooks: tuple[HookView, ...]
    protection: ProtectionView
    stages: str
    stage: str | None
    seconds_left: float | None
    exits_in: float | None


def take(
    life: lifecycle.Lifecycle,
    workers: Iterable[Worker],
    holds: Holds,
    hooks: Attachments,
    lease: protection.Protection,
    unprotected_because: str | None,
    now: Instant,
) -> Snapshot:
    """Look at all machines at once. unprotected_because: why there is no protection at all, if there is none."""
    stages = life.policy.plan.stages
    return Snapshot(
        phase=life.phase.value,
        phase_for=now - life.since,
        accepting=lifecycle.is_accepting(life),
        quiet_because=life.operator_quiet or life.protection.quiet,
        workers=tuple(_worker(each, now) for each in workers),
        holds=tuple(view_hold(each, now) for each in holds.open.values()),
        holds_taken=holds.taken,
        hooks=tuple(_hook(each) for each in hooks.open.values()),
        protection=_protection(lease, unprotected_because, now),
        stages=format_stages(stages),
        stage=format_stages(stages[life.stage : life.stage + 1]) if life.stage >= 0 else None,
        seconds_left=seconds_left(lifecycle.work_deadline(life), now),
        exits_in=seconds_left(lifecycle.exit_deadline(life), now),
    )


def stand(
    life: lifecycle.Lifecycle, lease: protection.Protection, unprotected_because: str | None, now: Instant
) -> Standing:
    """Look at what can be looked at for every request."""
    told = protection.tells_holds(lease, now)
    return Standing(
        phase=life.phase.value,
        accepting=lifecycle.is_accepting(life),
        stopping=lifecycle.is_leaving(life),
        seconds_left=seconds_left(lifecycle.work_deadline(life), now),
        protected=told.confirmed,
        may_be_protected=told.applicable and told.hopeless is None,
        protected_for=seconds_left(lease.expires_at, now) if told.confirmed else None,
        because=unprotected_because or lease.quiet or lease.last_refusal,
    )


def view_hold(hold: Hold, now: Instant) -> HoldView:
    """Look at one hold."""
    expires_in = seconds_left(hold.expires_at, now)
    return HoldView(hold.id, hold.holder, hold.about, hold.phase.value, now - hold.taken_at, expires_in)


def _worker(state: Worker, now: Instant) -> WorkerView:
    starts_in = seconds_left(state.spawn_at, now)
    return WorkerView(state.name, state.phase.value, state.pid or None, state.status, state.starts, starts_in)


def _hook(attached: Attached) -> HookView:
    gate = attached.gate.value if attached.gated else None
    return HookView(attached.about, attached.framework, attached.version, gate, attached.reserved)


def _protection(
    state: protection.Protection, unprotected_because: str | None, now: Instant
) -> ProtectionView:
    return ProtectionView(
        phase="off" if unprotected_because else state.phase.value,
        confirmed=protection.is_confirmed(state, now),
        expires_in=seconds_left(state.expires_at, now),
        because=unprotected_because or state.quiet or state.last_refusal,
        request_for=None if state.request is None else now - state.request.at,
        retry_in=seconds_left(state.retry_at, now),
        requests=state.attempts,
    )
