"""How a stage of the stop sequence begins: the phase it belongs to, the orders it gives, the work it gives up."""

from __future__ import annotations

from dataclasses import replace

from supervisor.core.effects import Effect, Kill, Level, Quiet, Stop, note
from supervisor.core.instants import NEVER, Instant, after, earliest
from supervisor.core.names import SignalName, WorkerName
from supervisor.core.sequence import Stage, format_stages

from .values import LEAVING, Lifecycle, Phase, exit_deadline, move

# What survived one SIGKILL was forked while it was being sent, or cannot die yet (uninterruptible sleep).
KILL_AGAIN_SECONDS = 0.2


def enter(state: Lifecycle, index: int, because: str, now: Instant) -> tuple[Lifecycle, tuple[Effect, ...]]:
    """Begin a stage: change the phase where it is another one, name what is given up, give the stage's orders."""
    plan, stage, alive = state.policy.plan, state.policy.plan.stages[index], state.workers.alive
    draining, killing = plan.is_draining(index), plan.is_killing(index)
    phase = Phase.KILLING if killing else Phase.DRAINING if draining else Phase.STOPPING
    effects: tuple[Effect, ...] = ()
    if phase is not state.phase:
        state = move(state, phase, because, now)
        if phase is not Phase.DRAINING:
            effects = (note(f"task.{phase.value}", _level(phase), because=because),)
    if not draining:
        state, named = abandon(state)
        effects = (*named, *effects)
    ends_at = plan.ends_at(index, state.began_at)
    if state.began_at == NEVER:
        # Without a clock only the operator's deadline ends a drain; a fixed delay keeps its length.
        ends_at = after(now, stage.seconds) if stage.kind == "wait" else state.drain_deadline
    told = state.quieted and stage.kind == "quiet" and stage.signal == state.policy.quiet_signal
    state = replace(state, stage=index, stage_ends_at=ends_at, quieted=state.quieted or stage.kind == "quiet")
    if killing:
        state = replace(state, stage_ends_at=NEVER, kill_again_at=after(now, KILL_AGAIN_SECONDS))
    return state, (*effects, *(() if told else orders(state, alive)))


def start_clock(state: Lifecycle, now: Instant) -> Lifecycle:
    if state.began_at != NEVER:
        return state
    ends_at = now if state.stage < 0 else state.policy.plan.ends_at(state.stage, now)
    return replace(state, began_at=now, stage_ends_at=earliest(ends_at, state.stage_ends_at))


def orders(state: Lifecycle, workers: tuple[WorkerName, ...]) -> tuple[Effect, ...]:
    """Tell these workers what the present phase and stage ask of every worker."""
    if state.phase is Phase.QUIET:
        return tuple(Quiet(worker, state.policy.quiet_signal) for worker in workers)
    if state.phase not in LEAVING or state.stage < 0:
        return ()
    match state.policy.plan.stages[state.stage]:
        case Stage(kind="quiet", signal=signal):
            return tuple(Quiet(worker, None if signal is None else SignalName(signal)) for worker in workers)
        case Stage(kind="stop", signal=str(signal)):
            return tuple(Stop(worker, SignalName(signal)) for worker in workers)
        case Stage(kind="kill"):
            return tuple(Kill(worker) for worker in workers)
        case _:
            return ()


def abandon(state: Lifecycle) -> tuple[Lifecycle, tuple[Effect, ...]]:
    left = tuple((hold, text) for hold, text in state.flight.work if hold not in state.abandoned)
    if not left:
        return state, ()
    state = replace(state, abandoned=(*state.abandoned, *(hold for hold, _ in left)))
    return state, (note("holds.abandoned", Level.ERROR, work=tuple(text for _, text in left)),)


def note_way_out(state: Lifecycle, name: str, reason: str, now: Instant) -> Effect:
    plan = state.policy.plan
    deadline = exit_deadline(state)
    return note(
        name,
        reason=reason,
        in_flight=len(state.flight.work),
        stages=format_stages(plan.stages),
        seconds=None if deadline == NEVER else round(deadline - now, 3),
    )


def _level(phase: Phase) -> Level:
    return Level.WARNING if phase is Phase.KILLING else Level.INFO
