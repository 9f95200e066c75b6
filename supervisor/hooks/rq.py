"""The hook for RQ: a hold for every job, a gate before the fetch, and no job lost between fetch and start.

In an app's own code, where `run` does not attach it, before `worker.work()`:

    from supervisor.hooks import rq
    rq.attach()

Rules
  1. The worker class is the user's. RQ has a door of its own, RQ_WORKER_CLASS, but `-w` overrides it, so does a script
     that builds its worker, and a class put in place of the user's must be found again by SpawnWorker's pickle. So what
     RQ calls by name is wrapped where all its classes get it from (`work`, `perform_job`, `dequeue_any`), and what a
     user's class may override is wrapped on the one worker that runs (`execute_job`, `_shutdown`, `teardown`).
  2. The gate is in `Queue.dequeue_any`, before each pop, and pops are one second long, not RQ's 405, so that a gate is
     confirmed shut within a second. A job that comes out of a pop when the gate has shut goes back to the front of its
     queue; so does one that `protect before-start` refuses.
  3. The hold is the parent's, from the pop until `execute_job` returns, so that it outlives a killed horse and ends with
     it. A horse that outlives a killed parent finishes its job: it has the parent's connection open, and so the hold lasts.
     It does nothing for that, because it lives for one job, and whatever it did would cost each job.
  4. A stop signal that comes between the pop and RQ's state `busy` is only noted. RQ itself raises out of whatever line
     it hits, and the job stays in the intermediate list, where maintenance fails it later (15 of 40 runs, measured).
  5. A member of a worker-pool whose master has died takes nothing more and ends: nobody else would end it.
  6. The scheduler process (--with-scheduler) forks from a worker but begins no job and never speaks to the supervisor.

Not possible: to be told of a job by name where it was enqueued with an empty description; the hold then has its id
alone. The function's name is not asked for: that unpickles the job, in a process which keeps what is imported.

Sources (RQ 1.16.2, 2.0.0, 3.0.0): rq/worker.py, later rq/worker/base.py and worker_classes.py: `work`,
`dequeue_job_and_maintain_ttl`, `request_stop`, `_shutdown`, `teardown`, `execute_job`, `perform_job`,
`fork_work_horse`;
rq/queue.py: `dequeue_any`, `lmove`, `push_job_id`; rq/worker_pool.py: `start`, `run_worker`.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import _attach
from ._client import client
from ._keeper import Keeper
from ._lending import lending_through_exec
from ._rq_gate import Worker
from ._versions import note_version

# The oldest that is tested, and the first that is not.
SUPPORTED = ("1.16", "3.1")

# What is wrapped, asked for before anything is; of the worker class, its queue class and a worker.
_OF_WORKER = ("work", "fork_work_horse")
_OF_QUEUE = ("dequeue_any", "push_job_id", "intermediate_queue_key")
_OF_ONE = (
    "queue_class",
    "connection",
    "name",
    "execute_job",
    "_shutdown",
    "_stop_requested",
    "get_state",
    "heartbeat",
    "teardown",
)


def attach() -> None:
    """Attach to RQ's workers of this process, as soon as RQ is imported."""
    _attach.claim("rq")
    _attach.when_imported("rq.worker", _wrap_workers)
    _attach.when_imported("rq.worker_pool", _wrap_pool)


# The worker at work in this process, for the class method that knows no worker.
_working: list[Worker] = []


@_attach.guard
def _wrap_workers(module: ModuleType) -> None:
    base = getattr(module, "Worker", None)
    missing = [name for name in _OF_WORKER if not hasattr(base, name)]
    if missing:
        _attach.warn(
            f"this RQ ({_version()}) is not as expected (no {', '.join(missing)}), so its jobs are not seen"
        )
        return
    note_version("RQ", _version(), SUPPORTED)
    _attach.wrap(base, "work", _work)
    _attach.wrap(base, "fork_work_horse", _fork_horse)
    if spawning := getattr(module, "SpawnWorker", None):
        _attach.wrap(spawning, "fork_work_horse", _spawn_horse)


@_attach.guard
def _wrap_pool(module: ModuleType) -> None:
    pool = getattr(module, "WorkerPool", None)
    if hasattr(pool, "start"):
        _attach.wrap(pool, "start", _start_pool)


def _work(original: Callable[..., Any], worker: Any, *args: Any, **kwargs: Any) -> Any:
    here = _install(worker)
    try:
        return original(worker, *args, **kwargs)
    finally:
        if here is not None and here.is_here:
            _leave(here)


@_attach.guard
def _install(worker: Any) -> Worker | None:
    missing = [name for name in _OF_ONE if not hasattr(worker, name)]
    missing += [name for name in _OF_QUEUE if not hasattr(getattr(worker, "queue_class", None), name)]
    if missing:
        _attach.warn(f"this RQ worker is not as expected (no {', '.join(missing)}), so its jobs are not seen")
        return None
    master = _master()
    here = Worker(worker, _version(), master, 0 if master else signal.SIGTERM)
    _attach.wrap(worker.queue_class, "dequeue_any", _dequeue_any)
    here.install()
    _working[:] = [here]
    return here


@_attach.guard
def _leave(here: Worker) -> None:
    _working.clear()
    here.leave()


def _dequeue_any(
    original: Callable[..., Any], cls: Any, queues: Any, timeout: int | None, *args: Any, **kwargs: Any
) -> Any:
    for here in _working:
        if here.is_here:
            return here.fetch(lambda seconds: original(cls, queues, seconds, *args, **kwargs), timeout)
    return original(cls, queues, timeout, *args, **kwargs)


def _fork_horse(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    here = client()
    here.lends = True
    try:
        # The horse never returns from it.
        return original(*args, **kwargs)
    finally:
        here.lends = False


def _spawn_horse(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    with lending_through_exec(client()):
        return original(*args, **kwargs)


def _start_pool(original: Callable[..., Any], pool: Any, *args: Any, **kwargs: Any) -> Any:
    _keep_pool()
    return original(pool, *args, **kwargs)


@_attach.guard
def _keep_pool() -> None:
    """The pool's main process begins no job; it listens, to end its members if the supervisor dies."""
    client().introduce("rq worker-pool", framework="rq", version=_version())
    Keeper(shut=lambda: True, open=lambda: None, stop_signal=signal.SIGTERM).start()


def _master() -> int:
    """Return the pid of the pool that this process is a member of; 0 if it is none."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    parent = multiprocessing.parent_process() if multiprocessing is not None else None
    return 0 if parent is None else int(parent.pid)


def _version() -> str:
    return str(getattr(sys.modules.get("rq.version"), "VERSION", ""))
