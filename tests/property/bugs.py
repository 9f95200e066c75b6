"""Bugs put in on purpose: each breaks one promise, and the stories must notice every one, with every fixed seed.

A bug is a replacement for one function of one module, given the original.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from supervisor.core import backoff, engine, holds, lifecycle, protection, worker
from supervisor.core.events import HolderDied, HoldReleased, ProtectionRefused, StopRequested
from supervisor.core.inner import DemandIs, StopBegan
from supervisor.core.instants import NEVER, Instant
from supervisor.core.lifecycle import machine as lifecycle_machine
from supervisor.core.lifecycle import stages
from supervisor.core.protection import answers
from supervisor.core.protection import machine as protection_machine

Original = Callable[..., Any]


@dataclass(frozen=True)
class Bug:
    """what: the promise it breaks. story: which stories have to notice it."""

    what: str
    module: ModuleType | type
    name: str
    make: Callable[[Original], Original]
    story: str = "any"

    @contextmanager
    def planted(self) -> Iterator[None]:
        original = getattr(self.module, self.name)
        setattr(self.module, self.name, self.make(original))
        try:
            yield
        finally:
            setattr(self.module, self.name, original)


def _stop_moves_the_clock(step: Original) -> Original:
    def buggy(state: Any, event: Any, now: Instant) -> Any:
        if (
            isinstance(event, StopRequested)
            and state.began_at != NEVER
            and state.phase is not lifecycle.Phase.EXITED
        ):
            state = replace(
                state, began_at=now, stage_ends_at=state.policy.plan.ends_at(max(state.stage, 0), now)
            )
        return step(state, event, now)

    return buggy


def _never_kills(next_stage: Original) -> Original:
    return lambda state, now: None if state.phase is lifecycle.Phase.STOPPING else next_stage(state, now)


def _no_exit_deadline(_: Original) -> Original:
    return lambda state: NEVER


def _drain_deadline_dropped(next_stage: Original) -> Original:
    return lambda state, now: (
        None if state.phase is lifecycle.Phase.DRAINING and state.flight.work else next_stage(state, now)
    )


def _drain_not_waited_for(next_: Original) -> Original:
    def buggy(state: Any, now: Instant) -> Any:
        if state.phase is lifecycle.Phase.DRAINING:
            state = replace(state, flight=replace(state.flight, work=()))
        return next_(state, now)

    return buggy


def _gates_not_waited_for(next_: Original) -> Original:
    def buggy(state: Any, now: Instant) -> Any:
        return next_(replace(state, gates=replace(state.gates, unconfirmed=())), now)

    return buggy


def _named_again(abandon: Original) -> Original:
    return lambda state: abandon(replace(state, abandoned=()))


def _restarts_on_the_way_out(step: Original) -> Original:
    return lambda state, event, now: (state, ()) if isinstance(event, StopBegan) else step(state, event, now)


def _death_is_overlooked(step: Original) -> Original:
    return lambda state, event, now: (state, ()) if isinstance(event, HolderDied) else step(state, event, now)


def _release_ends_all(step: Original) -> Original:
    def buggy(state: Any, event: Any, now: Instant) -> Any:
        if isinstance(event, HoldReleased):
            state = replace(state, open={})
        return step(state, event, now)

    return buggy


def _ttl_is_not_watched(_: Original) -> Original:
    return lambda state: NEVER


def _two_requests(settle: Original) -> Original:
    return lambda state, now: settle(replace(state, request=None) if state.demand else state, now)


def _stale_answers_count(absorb: Original) -> Original:
    def buggy(state: Any, event: Any, now: Instant) -> Any:
        if state.request is not None and hasattr(event, "attempt"):
            event = replace(event, attempt=state.request.attempt)
        return absorb(state, event, now)

    return buggy


def _lease_from_the_answer(leased: Original) -> Original:
    return lambda state, asked_at, lease, now: leased(state, now, lease, now)


def _no_renewal(leased: Original) -> Original:
    return lambda *args: replace(leased(*args), renew_at=NEVER)


def _release_regardless(absorb: Original) -> Original:
    def buggy(state: Any, event: Any, now: Instant) -> Any:
        if isinstance(event, DemandIs):
            return replace(state, demand=False, idle_since=now), ()
        return absorb(state, event, now)

    return buggy


def _failed_release_forgotten(refused: Original) -> Original:
    def buggy(state: Any, request: Any, event: ProtectionRefused, now: Instant) -> Any:
        state, effects = refused(state, request, event, now)
        releasing = state.phase is protection.Phase.RELEASING
        return (replace(state, retry_at=NEVER) if releasing else state), effects

    return buggy


def _no_backoff(_: Original) -> Original:
    return lambda self, tries: 0.01


def _release_at_once(_: Original) -> Original:
    return lambda state: state.idle_since


def _asks_when_moot(step: Original) -> Original:
    return lambda state, event, now: (
        step(state, replace(event, by_platform=False), now)
        if isinstance(event, StopBegan)
        else step(state, event, now)
    )


def _waits_for_ever(verdict: Original) -> Original:
    return lambda state, hold, now: (
        None if not state.protection.confirmed and not state.leaving else verdict(state, hold, now)
    )


def _work_is_not_foreseen(imagined: Original) -> Original:
    return lambda state, working, now: imagined(state, False, now)


BUGS = (
    Bug("a repeated signal moves the clock", lifecycle, "step", _stop_moves_the_clock),
    Bug("never escalates to kill", lifecycle_machine, "_next_stage", _never_kills),
    Bug("no exit deadline", lifecycle_machine, "exit_deadline", _no_exit_deadline),
    Bug("the drain deadline is dropped", lifecycle_machine, "_next_stage", _drain_deadline_dropped),
    Bug("the drain is not waited for", lifecycle_machine, "_next", _drain_not_waited_for),
    Bug("the gates are not waited for", lifecycle_machine, "_next", _gates_not_waited_for, "leaving"),
    Bug("work in flight is not foreseen", engine, "imagined", _work_is_not_foreseen),
    Bug("abandoned work is named again", stages, "abandon", _named_again),
    Bug("a worker restarts on the way out", worker, "step", _restarts_on_the_way_out),
    Bug("C7: a holder's death is overlooked", holds, "step", _death_is_overlooked),
    Bug("C8: one release ends all holds", holds, "step", _release_ends_all),
    Bug("C7: a ttl is not watched", holds, "wake_at", _ttl_is_not_watched),
    Bug("C4: a holder waits for ever", holds, "_verdict", _waits_for_ever),
    Bug("C3: two requests in flight", protection_machine, "_settle", _two_requests),
    Bug("C2: stale answers count", protection_machine, "_absorb", _stale_answers_count),
    Bug("a request after ECS has ended the task", protection, "step", _asks_when_moot),
    Bug("the lease counts from the answer", answers, "_leased", _lease_from_the_answer, "healthy"),
    Bug("C12: no renewal", answers, "_leased", _no_renewal, "healthy"),
    Bug("C5: demand is not looked at", protection_machine, "_absorb", _release_regardless, "healthy"),
    Bug("C13: a failed release is forgotten", answers, "_refused", _failed_release_forgotten, "healthy"),
    Bug("retries without a pause", backoff.Backoff, "delay", _no_backoff, "healthy"),
    Bug("C22: no release delay", protection_machine, "_release_at", _release_at_once, "healthy"),
)
