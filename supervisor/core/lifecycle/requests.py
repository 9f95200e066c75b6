"""The ways in which people and the platform ask for the end: stop, drain, and now."""

from __future__ import annotations

from dataclasses import replace

from supervisor.core.effects import Effect, Level, note
from supervisor.core.events import DrainRequested, StopRequested
from supervisor.core.instants import NEVER, Instant, earliest

from .stages import enter, note_way_out, start_clock
from .values import Lifecycle, Phase, is_leaving, move


def stop_requested(
    state: Lifecycle, event: StopRequested, now: Instant
) -> tuple[Lifecycle, tuple[Effect, ...]]:
    again = state.by_terminal and event.by_terminal
    state = replace(state, by_platform=True, by_terminal=state.by_terminal or event.by_terminal)
    if state.began_at != NEVER:
        # The agent repeats its signal when a stop times out on its side; only a person at a terminal means "now".
        return force(state, "second Ctrl-C", now) if again else (state, ())
    if state.phase is Phase.DRAINING:
        state = start_clock(state, now)
        return state, (note_way_out(state, "task.deadline", event.reason, now),)
    first, because = 0, "stop requested"
    if state.phase is Phase.STARTING:
        # Nobody has taken any work yet, so there is nothing to be quiet or to wait for.
        first = state.policy.plan.first_order()
        because = "stop requested before anything was ready"
    state = replace(state, began_at=now)
    told = note_way_out(state, "task.draining", event.reason, now)
    state, effects = enter(state, first, because, now)
    return state, (told, *effects)


def drain_requested(
    state: Lifecycle, event: DrainRequested, now: Instant
) -> tuple[Lifecycle, tuple[Effect, ...]]:
    if is_leaving(state):
        sooner = earliest(state.drain_deadline, event.deadline)
        state = replace(state, drain_deadline=sooner)
        if state.phase is Phase.DRAINING and state.began_at == NEVER:
            state = replace(state, stage_ends_at=earliest(state.stage_ends_at, sooner))
        return state, ()
    if state.phase is Phase.STARTING:
        return stop_requested(state, StopRequested(event.reason), now)
    return drain_without_clock(
        replace(state, drain_deadline=event.deadline), event.reason, "drain requested", now
    )


def drain_without_clock(
    state: Lifecycle, reason: str, because: str, now: Instant
) -> tuple[Lifecycle, tuple[Effect, ...]]:
    told = note_way_out(state, "task.draining", reason, now)
    if state.policy.plan.is_draining(0):
        state, effects = enter(state, 0, because, now)
    else:
        # The sequence has no stage in which to drain: the hooks are told, and the first stage comes when all is done.
        state = move(state, Phase.DRAINING, because, now)
        state, effects = replace(state, stage=-1, stage_ends_at=state.drain_deadline), ()
    return state, (told, *effects)


def force(state: Lifecycle, reason: str, now: Instant) -> tuple[Lifecycle, tuple[Effect, ...]]:
    if state.phase is Phase.STARTING:
        return stop_requested(state, StopRequested(reason), now)
    state = replace(state, forced=True)
    if state.phase in (Phase.STOPPING, Phase.KILLING):
        return state, ()
    state = start_clock(state, now)
    told = note("task.forced", Level.WARNING, reason=reason)
    state, effects = enter(state, state.policy.plan.after_draining(), "forced", now)
    return state, (told, *effects)
