"""Bugs put into the deliveries on purpose: each breaks one promise, and the stories must notice every one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from supervisor.core.delivery import leases, machine, moves, outcomes, polling, starting, timers
from supervisor.core.delivery.facts import ExtendFailed, PollEnded, StartGranted
from supervisor.core.delivery.orders import Forget
from supervisor.core.delivery.values import RUNNING, Phase
from supervisor.core.effects import Note
from supervisor.core.instants import NEVER, Instant

from .bugs import Bug

Original = Callable[..., Any]


def _deletes_on_failure(answered: Original) -> Original:
    return lambda state, fact, now: answered(
        state, replace(fact, status=200) if fact.status == 500 else fact, now
    )


def _never(_: Original) -> Original:
    return lambda *_: NEVER


def _nothing(_: Original) -> Original:
    return lambda state, *_: (state, ())


def _hands_back_what_runs(begin: Original) -> Original:
    def buggy(state: Any, now: Instant) -> Any:
        running = [each for each in state.open.values() if each.phase is Phase.DELIVERING]
        if running and not state.flow.allowed:
            first = replace(running[0], phase=Phase.AWAITING)
            return moves.hand_back(state, first, "the app is not ready")
        return begin(state, now)

    return buggy


def _always_welcome(_: Original) -> Original:
    return lambda state: None


def _asks_for_what_is_asked_for(free_slots: Original) -> Original:
    return lambda state: free_slots(state) + sum(poll.most for poll in state.polls.values())


def _groups_are_not_looked_at(may_start: Original) -> Original:
    def buggy(state: Any, delivery: Any, now: Instant) -> Any:
        queues = {
            name: replace(queue, policy=replace(queue.policy, is_fifo=False))
            for name, queue in state.queues.items()
        }
        return may_start(replace(state, queues=queues), delivery, now)

    return buggy


def _next_starts_before_the_delete(may_start: Original) -> Original:
    def buggy(state: Any, delivery: Any, now: Instant) -> Any:
        unfinished = {id_: each for id_, each in state.open.items() if each.phase is not Phase.SUCCEEDED}
        return may_start(replace(state, open=unfinished), delivery, now)

    return buggy


def _ends_twice(move: Original) -> Original:
    def buggy(state: Any, delivery: Any, phase: Phase, because: str) -> Any:
        moved, orders = move(state, delivery, phase, because)
        return moved, (*orders, Forget(delivery.id)) if because == "given back" else orders

    return buggy


def _stale_answers_count(answered: Original) -> Original:
    def buggy(state: Any, fact: Any, now: Instant) -> Any:
        call = getattr(fact, "call", None)
        known = state.open.get(call.delivery) if call is not None else None
        if known is not None and known.call is not None and not isinstance(fact, ExtendFailed):
            fact = replace(fact, call=known.call)
        return answered(state, fact, now)

    return buggy


def _no_limit(leased: Original) -> Original:
    return lambda state, delivery, now: replace(
        leased(state, delivery, now), limit_at=Instant(now + 1_000_000)
    )


def _deletes_again_and_again(_: Original) -> Original:
    return lambda state, delivery, why, now: (
        moves.put(state, replace(delivery, retry_at=Instant(now + 1))),
        (),
    )


def _at_once_all_the_same(_: Original) -> Original:
    return lambda seconds: None if seconds is None else 0


def _no_pause_for_the_queue(poll_failed: Original) -> Original:
    def buggy(state: Any, fact: Any, now: Instant) -> Any:
        state, orders = poll_failed(state, fact, now)
        queues = {name: replace(queue, retry_at=now) for name, queue in state.queues.items()}
        return replace(state, queues=queues), orders

    return buggy


def _no_retry_after(answered: Original) -> Original:
    return lambda state, fact, now: answered(state, replace(fact, retry_after=None), now)


def _into_our_own_poll(returns_at: Original) -> Original:
    return lambda state, delivery: returns_at(state, replace(delivery, is_patient=False))


def _runs_again(_: Original) -> Original:
    return lambda state, queue, message: None


def _not_named(_: Original) -> Original:
    return lambda state, delivery, why, now: (state, Note("delivery.something"))


def _cut_to_nothing(_: Original) -> Original:
    return lambda state, delivery, now: 0


def _starts_unasked(ask: Original) -> Original:
    def buggy(state: Any, delivery: Any) -> Any:
        state, orders = ask(state, delivery)
        state, more = starting.granted(state, StartGranted(delivery.id, True), Instant(0.0))
        return state, (*orders, *more)

    return buggy


def _takes_what_comes(received: Original) -> Original:
    """Keep what a late poll brings, as if it had not come."""

    def buggy(state: Any, fact: PollEnded, now: Instant) -> Any:
        return received(state, replace(fact, messages=()) if not state.flow.allowed else fact, now)

    return buggy


def _ignores_connections(_: Original) -> Any:
    return lambda _: True


def _is_work_no_more(_: Original) -> Any:
    return RUNNING


BUGS = (
    Bug("a failure is deleted", machine, "answered", _deletes_on_failure),
    Bug("the heartbeat is forgotten", timers, "beats_at", _never, "calm"),
    Bug("a lease that is over is overlooked", timers, "lapses_at", _never),
    Bug("what runs is handed back", machine, "_begin", _hands_back_what_runs),
    Bug("I1: polls while it is quiet", polling, "unwelcome", _always_welcome),
    Bug("starts while it is quiet", machine, "unwelcome", _always_welcome),
    Bug("I2: what a late poll brings is kept", machine, "ended", _takes_what_comes),
    Bug("more is asked for than there are slots", polling, "free_slots", _asks_for_what_is_asked_for),
    Bug("more requests than connections", machine, "is_room_to_run", _ignores_connections),
    Bug("a FIFO group is not looked at", machine, "may_start", _groups_are_not_looked_at),
    Bug("the next of a group starts before the delete", machine, "may_start", _next_starts_before_the_delete),
    Bug("those behind a failure are kept", moves, "_hand_back_followers", _nothing),
    Bug("a message ends twice", leases, "move", _ends_twice),
    Bug("stale answers count", machine, "sqs_answered", _stale_answers_count),
    Bug("extensions beyond twelve hours", starting, "leased", _no_limit),
    Bug("deletes again after the lease was lost", leases, "not_deleted", _deletes_again_and_again),
    Bug("visible at once while the job may run", outcomes, "_not_at_once", _at_once_all_the_same),
    Bug("I4: the lease of what runs is cut to nothing", machine, "_until_gone", _cut_to_nothing),
    Bug("no pause after trouble with a queue", machine, "poll_failed", _no_pause_for_the_queue),
    Bug("Retry-After is not looked at", machine, "answered", _no_retry_after),
    Bug("handed back into a poll of our own", machine, "returns_at", _into_our_own_poll),
    Bug("a message runs twice at once", starting, "_twin", _runs_again),
    Bug("a lost lease is not named", moves, "_name_duplicate", _not_named),
    Bug("starts without a grant", machine, "ask", _starts_unasked),
    Bug("I6: a refused connection is no reason to pause", outcomes, "not_ready", _nothing),
    Bug("an app that is not ready is not looked at again", machine, "checks_at", _never),
    Bug("the deadline is forgotten", machine, "_farewell_due", _never),
    Bug("a success is no work in flight any more", moves, "CLAIMED", _is_work_no_more),
)
