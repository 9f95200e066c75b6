"""What the lifecycle is made of: its phases, its legal moves, its policy and its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from supervisor.core.edges import Edge, check_move, edges_from
from supervisor.core.inner import FlightIs, GatesAre, ProtectionWants, WorkersAre
from supervisor.core.instants import NEVER, Instant
from supervisor.core.names import HoldId, SignalName
from supervisor.core.plan import StopPlan


class Phase(Enum):
    STARTING = "starting"
    RUNNING = "running"
    QUIET = "quiet"
    DRAINING = "draining"
    STOPPING = "stopping"
    KILLING = "killing"
    EXITED = "exited"


_AT_WORK = (Phase.RUNNING, Phase.QUIET)


LEAVING = (Phase.DRAINING, Phase.STOPPING, Phase.KILLING)


EDGES = (
    Edge(Phase.STARTING, Phase.RUNNING, "all workers have started"),
    Edge(Phase.STARTING, Phase.DRAINING, "stop requested before anything was ready"),
    Edge(Phase.STARTING, Phase.STOPPING, "stop requested before anything was ready"),
    Edge(Phase.STARTING, Phase.KILLING, "stop requested before anything was ready"),
    Edge(Phase.STARTING, Phase.EXITED, "a worker cannot be started"),
    Edge(Phase.RUNNING, Phase.QUIET, "quiet requested"),
    Edge(Phase.QUIET, Phase.RUNNING, "resumed"),
    Edge(Phase.QUIET, Phase.DRAINING, "this kind of worker cannot resume"),
    *edges_from(_AT_WORK, Phase.DRAINING, "stop requested"),
    *edges_from(_AT_WORK, Phase.DRAINING, "drain requested"),
    *edges_from(_AT_WORK, Phase.DRAINING, "the worker has exited, but work is still in flight"),
    *edges_from(_AT_WORK, Phase.STOPPING, "stop requested"),
    *edges_from(_AT_WORK, Phase.STOPPING, "forced"),
    *edges_from(_AT_WORK, Phase.STOPPING, "the worker has exited"),
    *edges_from(_AT_WORK, Phase.KILLING, "forced"),
    *edges_from(_AT_WORK, Phase.KILLING, "stop requested"),
    Edge(Phase.DRAINING, Phase.STOPPING, "nothing in flight"),
    Edge(Phase.DRAINING, Phase.STOPPING, "drain deadline passed"),
    Edge(Phase.DRAINING, Phase.STOPPING, "forced"),
    Edge(Phase.DRAINING, Phase.KILLING, "nothing in flight"),
    Edge(Phase.DRAINING, Phase.KILLING, "drain deadline passed"),
    Edge(Phase.DRAINING, Phase.KILLING, "forced"),
    Edge(Phase.STOPPING, Phase.KILLING, "stop deadline passed"),
    *edges_from(LEAVING, Phase.EXITED, "all workers are gone"),
    *edges_from(LEAVING, Phase.EXITED, "exit deadline passed"),
)


@dataclass(frozen=True, slots=True)
class LifecyclePolicy:
    """quiet_signal, resume_signal: None where only the hooks are told. resumable: quiet can be taken back.

    remap: exit statuses to replace.
    """

    plan: StopPlan
    quiet_signal: SignalName | None = None
    resume_signal: SignalName | None = None
    resumable: bool = True
    remap: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """How the task stands, and what the lifecycle was last told by the others."""

    policy: LifecyclePolicy
    phase: Phase = Phase.STARTING
    since: Instant = Instant(0.0)
    workers: WorkersAre = WorkersAre(alive=(), pending=True, status=None, failed=False)
    flight: FlightIs = FlightIs(work=())
    gates: GatesAre = GatesAre(count=0, unconfirmed=())
    protection: ProtectionWants = ProtectionWants(quiet=None, settled=True)
    operator_quiet: str | None = None
    quieted: bool = False
    # How long the gates are waited for; then whether they have confirmed, or were given up.
    confirm_by: Instant = NEVER
    is_confirmed: bool = False
    gave_up_gates: bool = False
    stage: int = -1
    began_at: Instant = NEVER
    drain_deadline: Instant = NEVER
    stage_ends_at: Instant = NEVER
    kill_again_at: Instant = NEVER
    gone_at: Instant = NEVER
    by_terminal: bool = False
    by_platform: bool = False
    # Somebody does not want to wait: not for work either that outlives the workers.
    forced: bool = False
    abandoned: tuple[HoldId, ...] = ()


def is_leaving(state: Lifecycle) -> bool:
    """Say whether the way out has begun."""
    return state.phase in (*LEAVING, Phase.EXITED)


def is_accepting(state: Lifecycle) -> bool:
    """Say whether new work is welcome."""
    return state.phase in (Phase.STARTING, Phase.RUNNING)


def is_quieting(state: Lifecycle) -> bool:
    """Say whether no new work should begin, while the worker has not been asked to exit."""
    stages = state.policy.plan.stages
    in_quiet_stage = state.stage < 0 or stages[state.stage].kind == "quiet"
    return state.phase is Phase.QUIET or (state.phase is Phase.DRAINING and in_quiet_stage)


def is_signalled(state: Lifecycle) -> bool:
    """Say whether the worker has been asked to exit, or is just being asked."""
    return is_leaving(state) and not is_quieting(state)


def waits_for_work(state: Lifecycle) -> bool:
    """Say whether work in flight keeps us here although the workers have gone: another process may still do it."""
    return not (state.flight.is_empty or state.forced or state.phase is Phase.KILLING)


def work_deadline(state: Lifecycle) -> Instant:
    """Return when work in flight will be interrupted, NEVER while nothing is planned."""
    plan = state.policy.plan
    match state.phase:
        case Phase.DRAINING:
            return state.drain_deadline if state.began_at == NEVER else plan.drain_ends_at(state.began_at)
        case Phase.STOPPING:
            return plan.ends_at(len(plan.stages) - 2, state.began_at)
        case Phase.KILLING:
            return state.began_at
        case Phase.STARTING | Phase.RUNNING | Phase.QUIET | Phase.EXITED:
            return NEVER


def exit_deadline(state: Lifecycle) -> Instant:
    """Return when the supervisor will have exited whatever happens, NEVER while no clock runs."""
    return NEVER if state.began_at == NEVER else state.policy.plan.exits_by(state.began_at)


def move(state: Lifecycle, phase: Phase, because: str, now: Instant) -> Lifecycle:
    return replace(state, phase=check_move(EDGES, state.phase, phase, because), since=now)
