"""Celery: sees its jobs from the main process, shuts its consumers, gives back what it fetched. `-I supervisor.hooks.celery`.

In an app's own code the same is

    from supervisor.hooks import celery as supervised
    supervised.attach()

Rules
  1. Only a worker's main process attaches, at the signal worker_init; `beat`, `inspect` and a job's commands never do.
  2. A job's hold begins when Celery puts its request among the active ones and ends when it takes it out: success, failure,
     retry, revoke, time limit. Both are defaults of two functions of celery/worker/state.py, which everybody in Celery
     calls; we put ours in their place. An ETA is no job until it is accepted.
  3. Where Celery cannot know that a job has ended (its child was killed, or the broker is gone and nobody reads the
     children's results) we look once a second at the child itself and at its pipe, and end the hold.
  4. Nothing is fetched before the supervisor has spoken, and while the gate is shut (_celery_gate.py). A step behind
     Celery's own Tasks guards every new connection's consumer.
  5. With protect before-start a job waits for its answer where it would begin: in its thread, or before it is sent to a
     child. A refused one is requeued, and the worker fetches nothing for some seconds.
  6. Pool children are clients of their own, for `stopping()` and `seconds_left()`; they take no hold and keep no gate.

Not possible: to stop what a child has been sent already (milliseconds before it is accepted); to be told apart from a job
that Celery itself runs twice; gates for gevent, eventlet and custom pools, which attach holds only.

Sources, Celery 5.3 and 5.7: worker/state.py (task_accepted, task_ready), worker/request.py (on_accepted, on_failure,
_announce_revoked), worker/worker.py (_process_task), worker/consumer/consumer.py (on_task_request, on_close,
apply_eta_task), worker/consumer/tasks.py (Tasks), concurrency/base.py (apply_target), kombu's asynchronous/semaphore.py and
transport/redis.py (restore_by_tag).
"""

from __future__ import annotations

import _thread
import signal
import sys
from typing import Any

from . import _attach
from ._celery_advice import advice
from ._celery_gate import Gate
from ._celery_watch import Watch
from ._client import client
from ._keeper import Keeper

# The oldest that was tested, and the first that was not.
SUPPORTED = ("5.3", "5.8")
# Of the pools, whether a job begins where Celery says that it is accepted, rather than in a child.
POOLS = {
    "celery.concurrency.prefork": False,
    "celery.concurrency.thread": True,
    "celery.concurrency.solo": True,
}
FIRST_WORD_SECONDS = 0.5


def attach() -> None:
    """Attach to the worker that this process becomes, if it becomes one; once more does nothing."""
    from celery import signals

    signals.worker_init.connect(_on_worker_init, weak=False, dispatch_uid="ecs-supervisor")


@_attach.guard
def _on_worker_init(sender: Any, **_: object) -> None:
    _attach.claim("celery")
    import celery
    from celery.worker import state

    oldest, untested = SUPPORTED
    tested = f"Celery from {oldest} up to, not including, {untested}"
    if not _fits(state, sender):
        _attach.warn(
            f"Celery {celery.__version__} is not built as its hook expects ({tested}), so it is not attached: "
            "the worker runs as without it"
        )
        return
    if not _numbers(oldest) <= _numbers(celery.__version__) < _numbers(untested):
        _attach.warn(
            f"Celery {celery.__version__} was not tested with its hook ({tested}); it is attached all the same"
        )
    # Children that are spawned, not forked, import all that is named here; they need nothing of ours.
    sender.app.conf.include = tuple(name for name in sender.app.conf.include if name != __name__)
    keeping, guarding = _steps(state)
    sender.app.steps["worker"].add(keeping)
    sender.app.steps["consumer"].add(guarding)


def _steps(state: Any) -> tuple[type, type]:
    """Return the two steps of the worker's start: when its pool has been forked, and when a connection has a consumer."""
    from celery import bootsteps

    gates: list[Gate] = []

    class Supervised(bootsteps.StartStopStep):  # type: ignore[misc]
        requires = ("celery.worker.components:Pool",)

        @_attach.guard
        def start(self, parent: Any) -> None:
            gates.extend(_begin(parent, state))

    class Guarded(bootsteps.StartStopStep):  # type: ignore[misc]
        requires = ("celery.worker.consumer.tasks:Tasks",)

        @_attach.guard
        def start(self, parent: Any) -> None:
            for gate in gates:
                gate.guard(parent)
                _wait_for_first_word(gate, state)

    return Supervised, Guarded


def _begin(worker: Any, state: Any) -> list[Gate]:
    """Attach holds, and the gate where the pool is known. Return the gate, if there is one."""
    import celery
    from celery import signals

    pool = type(worker.pool).__module__
    gated = pool in POOLS
    gate = Gate(worker, state, POOLS.get(pool, False))
    _put_holds(state, gate)
    here = client()
    here.introduce(f"celery {worker.hostname}", "celery", celery.__version__, gated)
    for setting, why, fix in advice(worker.app.conf, worker):
        here.advise(setting, why, fix)
    watch = Watch(worker, state, gate, pool == "celery.concurrency.prefork")
    signals.worker_shutting_down.connect(watch.stop, weak=False)
    if gated:
        gate.keeper = Keeper(gate.shut, gate.open, signal.SIGTERM)
        gate.install()
        gate.keeper.start()
    else:
        _attach.warn(
            f"the pool {pool} is not one that was tested: its jobs are seen, but not kept from beginning"
        )
    _thread.start_new_thread(watch.run, ())
    return [gate] if gated else []


def _wait_for_first_word(gate: Gate, state: Any) -> None:
    """Begin nothing before the supervisor has said whether it may be; a signal that comes meanwhile ends the wait."""
    here = client()
    left = max(FIRST_WORD_SECONDS, here.hold_wait)
    while left > 0 and not here.spoken() and state.should_stop is None:
        here.waiting.wait(here.spoken, min(left, FIRST_WORD_SECONDS))
        left -= FIRST_WORD_SECONDS
    if gate.keeper.wanted_shut:
        gate.shut()


def _put_holds(state: Any, gate: Gate) -> None:
    """Have Celery tell us of every request that becomes active, and of every one that is no longer."""
    add, discard = state.active_requests.add, state.active_requests.discard

    def began(request: Any) -> None:
        gate.began(request)
        add(request)

    def ended(request: Any) -> None:
        discard(request)
        gate.ended(request)

    _replace_default(state.task_accepted, add, began)
    _replace_default(state.task_ready, discard, ended)


def _replace_default(function: Any, old: object, new: object) -> None:
    function.__defaults__ = tuple(new if each == old else each for each in function.__defaults__)


def _fits(state: Any, worker: Any) -> bool:
    """Whether all is there that will be used: a hook attaches wholly or not at all."""
    from celery.worker import consumer, request

    active = getattr(state, "active_requests", None)
    parts = (
        (state, ("reserved_requests", "requests", "should_stop", "task_accepted", "task_ready")),
        (consumer.Consumer, ("call_soon", "apply_eta_task", "_limit_post_eta")),
        (request.Request, ("reject", "message", "on_accepted", "worker_pid")),
        (worker, ("_process_task", "semaphore", "app", "prefetch_multiplier", "_conninfo")),
    )
    return (
        all(hasattr(part, name) for part, names in parts for name in names)
        and getattr(active, "add", None) in (state.task_accepted.__defaults__ or ())
        and getattr(active, "discard", None) in (state.task_ready.__defaults__ or ())
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())


if "celery.worker.worker" in sys.modules:
    # Named on the command line: to be imported by a worker is all that -I can do.
    attach()
