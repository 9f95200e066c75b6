"""How the lifecycle moves: a fact is taken in, then what follows from it and from the clock is done."""

from __future__ import annotations

from dataclasses import replace

from supervisor.core.effects import Effect, Exit, Forward, Kill, Level, Quiet, Resume, note
from supervisor.core.events import (
    DrainRequested,
    Event,
    ForceRequested,
    QuietRequested,
    ResumeRequested,
    SignalReceived,
    StopRequested,
)
from supervisor.core.exitcode import container_status
from supervisor.core.inner import FlightIs, GatesAre, Inner, ProtectionWants, WorkersAre
from supervisor.core.instants import NEVER, Instant, after, earliest

from .requests import drain_requested, drain_without_clock, force, stop_requested
from .stages import KILL_AGAIN_SECONDS, abandon, enter, note_way_out, orders, start_clock
from .values import Lifecycle, Phase, exit_deadline, is_quieting, move, waits_for_work

# The release of protection is waited for so long before a voluntary exit: one bounded call to the agent.
RELEASE_WAIT_SECONDS = 7.0

# Hooks shut their gates within milliseconds. One that takes so long hangs, or its worker does; its share of the drain
# must not be spent on waiting for a word that will not come.
CONFIRM_SECONDS = 5.0


def step(state: Lifecycle, event: Event | Inner, now: Instant) -> tuple[Lifecycle, tuple[Effect, ...]]:
    """Take one fact in, then do what follows from it and from the clock."""
    state, effects = _absorb(state, event, now)
    state, more = _settle(state, now)
    return state, (*effects, *more)


def wake_at(state: Lifecycle) -> Instant:
    """Return when time alone will change something here."""
    if state.gone_at != NEVER and not waits_for_work(state):
        return earliest(after(state.gone_at, RELEASE_WAIT_SECONDS), exit_deadline(state))
    return earliest(state.stage_ends_at, state.kill_again_at, state.confirm_by, exit_deadline(state))


def _absorb(state: Lifecycle, event: Event | Inner, now: Instant) -> tuple[Lifecycle, tuple[Effect, ...]]:
    match event:
        case StopRequested():
            return stop_requested(state, event, now)
        case DrainRequested():
            return drain_requested(state, event, now)
        case ForceRequested(reason=reason):
            return force(state, reason, now)
        case QuietRequested(reason=reason):
            return replace(state, operator_quiet=reason), ()
        case ResumeRequested():
            return replace(state, operator_quiet=None), ()
        case SignalReceived(signal=signal):
            return state, tuple(Forward(worker, signal) for worker in state.workers.alive)
        case WorkersAre():
            new = tuple(worker for worker in event.alive if worker not in state.workers.alive)
            state = replace(state, workers=event)
            return state, orders(state, new)
        case FlightIs():
            return replace(state, flight=event), ()
        case GatesAre():
            return replace(state, gates=event), ()
        case ProtectionWants():
            return replace(state, protection=event), ()
        case _:
            return state, ()


def _settle(state: Lifecycle, now: Instant) -> tuple[Lifecycle, tuple[Effect, ...]]:
    """Do what the facts and the clock call for, until nothing more follows."""
    effects: list[Effect] = []
    while (moved := _next(state, now)) is not None:
        state, more = moved
        effects += more
    return state, tuple(effects)


def _next(state: Lifecycle, now: Instant) -> tuple[Lifecycle, tuple[Effect, ...]] | None:
    gone = not state.workers.alive and not state.workers.pending
    if (looked := _look_at_gates(state, gone, now)) is not None:
        return looked
    match state.phase:
        case Phase.STARTING if state.workers.failed and gone:
            return _exit(state, "a worker cannot be started", now)
        case Phase.STARTING if state.workers.alive:
            state = move(state, Phase.RUNNING, "all workers have started", now)
            return state, (note("task.running"),)
        case Phase.RUNNING | Phase.QUIET if gone:
            return _worker_gone(state, now)
        case Phase.RUNNING | Phase.QUIET:
            return _requiet(state, now)
        case Phase.DRAINING | Phase.STOPPING | Phase.KILLING if (
            ended := _may_exit(state, gone, now)
        ) is not None:
            return _exit(state, ended, now)
        case Phase.DRAINING | Phase.STOPPING | Phase.KILLING if gone and not waits_for_work(state):
            # Only a release of protection is waited for.
            return (replace(state, gone_at=now), ()) if state.gone_at == NEVER else None
        case Phase.DRAINING | Phase.STOPPING:
            return _next_stage(state, now)
        case Phase.KILLING if state.kill_again_at <= now:
            kill = tuple(Kill(worker) for worker in state.workers.alive)
            return replace(state, kill_again_at=after(now, KILL_AGAIN_SECONDS)), kill
        case Phase.STARTING | Phase.KILLING | Phase.EXITED:
            return None


def _look_at_gates(state: Lifecycle, gone: bool, now: Instant) -> tuple[Lifecycle, tuple[Effect, ...]] | None:
    """Wait for the hooks to confirm that nothing new will begin, and no longer than is reasonable."""
    if gone or not is_quieting(state):
        return None if state.confirm_by == NEVER else (replace(state, confirm_by=NEVER), ())
    if not state.gates.unconfirmed:
        if state.is_confirmed or not state.gates.count:
            return None if state.confirm_by == NEVER else (replace(state, confirm_by=NEVER), ())
        told = note("quiet.confirmed", gates=state.gates.count, in_flight=len(state.flight.work))
        return replace(state, confirm_by=NEVER, is_confirmed=True), (told,)
    if state.confirm_by <= now:
        told = note(
            "quiet.unconfirmed", Level.WARNING, gates=state.gates.unconfirmed, seconds=CONFIRM_SECONDS
        )
        return replace(state, confirm_by=NEVER, gave_up_gates=True), (told,)
    if state.confirm_by == NEVER and not state.gave_up_gates:
        return replace(state, confirm_by=after(now, CONFIRM_SECONDS)), ()
    return None


def _worker_gone(state: Lifecycle, now: Instant) -> tuple[Lifecycle, tuple[Effect, ...]]:
    plan = state.policy.plan
    state = replace(
        state, began_at=now, stage=plan.after_draining() - 1, stage_ends_at=plan.drain_ends_at(now)
    )
    if not state.flight.is_empty:
        # Another process of the worker's still works (RQ's horse outlives the worker that forked it): let it finish.
        state = move(state, Phase.DRAINING, "the worker has exited, but work is still in flight", now)
        told = note_way_out(state, "task.draining", "the worker has exited", now)
        # Who only looks for work, such as a probe, will see in a moment that nobody is left.
        return state, ((told,) if state.flight.work else ())
    return move(state, Phase.STOPPING, "the worker has exited", now), ()


def _requiet(state: Lifecycle, now: Instant) -> tuple[Lifecycle, tuple[Effect, ...]] | None:
    policy, reason = state.policy, state.operator_quiet or state.protection.quiet
    if reason is not None and state.phase is Phase.RUNNING:
        quiet = tuple(Quiet(worker, policy.quiet_signal) for worker in state.workers.alive)
        state = replace(move(state, Phase.QUIET, "quiet requested", now), quieted=True)
        return state, (note("task.quiet", reason=reason, in_flight=len(state.flight.work)), *quiet)
    if reason is None and state.phase is Phase.QUIET:
        if not policy.resumable:
            because = "this kind of worker cannot resume"
            return drain_without_clock(state, because, because, now)
        resume = tuple(Resume(worker, policy.resume_signal) for worker in state.workers.alive)
        state = replace(
            move(state, Phase.RUNNING, "resumed", now),
            quieted=False,
            is_confirmed=False,
            gave_up_gates=False,
        )
        return state, (note("task.resumed"), *resume)
    return None


def _may_exit(state: Lifecycle, gone: bool, now: Instant) -> str | None:
    if exit_deadline(state) <= now:
        return "exit deadline passed"
    if not gone or waits_for_work(state):
        return None
    if state.protection.settled or (
        state.gone_at != NEVER and after(state.gone_at, RELEASE_WAIT_SECONDS) <= now
    ):
        return "all workers are gone"
    return None


def _next_stage(state: Lifecycle, now: Instant) -> tuple[Lifecycle, tuple[Effect, ...]] | None:
    plan = state.policy.plan
    if state.stage_ends_at <= now:
        because = "drain deadline passed" if state.phase is Phase.DRAINING else "stop deadline passed"
    elif (
        state.phase is Phase.DRAINING
        and state.flight.is_empty
        and (not state.gates.unconfirmed or state.gave_up_gates)
        and (state.stage < 0 or plan.stages[state.stage].kind == "quiet")
    ):
        because = "nothing in flight"
    else:
        return None
    state = state if plan.is_draining(state.stage + 1) else start_clock(state, now)
    return enter(state, state.stage + 1, because, now)


def _exit(state: Lifecycle, because: str, now: Instant) -> tuple[Lifecycle, tuple[Effect, ...]]:
    survivors = bool(state.workers.alive)
    status = container_status(state.workers.status, survivors, state.policy.remap)
    took = None if state.began_at == NEVER else round(now - state.began_at, 3)
    state, named = abandon(state)
    state = move(state, Phase.EXITED, because, now)
    level = Level.ERROR if survivors else Level.INFO
    told = note("task.exited", level, status=status, because=because, took=took)
    return state, (*named, told, Exit(status))
