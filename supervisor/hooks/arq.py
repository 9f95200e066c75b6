"""The hook for arq: every job is a hold, and a shut gate lets the worker pick no other one.

    from supervisor.hooks.arq import attach     # in the module of the WorkerSettings; only where `run` does not attach
    attach()

Rules
  1. Attached is the class `arq.worker.Worker`, when that module is imported, so that the command line and `run_worker`
     are the same to us. A process becomes the worker when one of its workers enters `main`.
  2. A hold lasts as long as `run_job`: from before the job's data is read until its result is written, however it ends
     (success, failure, Retry, abort, cancelled by the shutdown). A deferred or retried job waits in Redis and is not busy.
  3. The gate is where arq picks: `allow_pick_jobs`, the attribute with which arq itself stops picking at a signal, reads
     as false while the gate is shut; what the worker sets it to is kept. A pass over the queue that was under way ends at
     its next job. A hold is taken before the gate is asked a last time, in `run_job`, so nothing slips between and `shut`
     is confirmed at once.
  4. A job that was picked and may not begin is handed back by taking away the mark that it is in progress: it never left
     its queue, and its count of tries is not touched.
  5. If the settings do not name a `job_completion_wait`, it is what the supervisor leaves for it, a second less. arq's own
     default cancels running jobs at the first signal, and every deployment costs each of them one of its tries.
  6. If the supervisor has died, the worker ends gracefully, by the same signal that would have been sent to it, and waits
     for its jobs without a limit of ours; also where the supervisor died after that signal.
  7. A worker that was told to end ends: arq cancels its main task once, and if that comes while redis-py is busy with a
     pipeline it is sometimes lost; then the loop went on for ever. The next pass repeats it (Python 3.11 and later).

Before protection is confirmed (`before-start`) a job waits in its own task and the event loop goes on.

Sources (arq 0.28.0): worker.py Worker.__init__, main, _poll_iteration, start_jobs, run_job, handle_sig_wait_for_completion.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from . import _attach
from ._client import client
from ._keeper import Keeper
from ._limits import UNLIMITED_SECONDS, is_over, stop_limit
from ._versions import note_version
from .job import Job

# The oldest tested, the first not tested.
SUPPORTED = ("0.25", "0.29")

# Before the time is up, so that a job that is cancelled is still written back.
MARGIN_SECONDS = 1.0
# Between two looks at whether the jobs have ended, as arq has it.
LOOK_SECONDS = 0.1

_NEEDED = (
    *("__init__", "main", "start_jobs", "run_job", "_poll_iteration"),
    *("handle_sig_wait_for_completion", "_sleep_until_tasks_complete"),
)

# In the task of a job: its hold, and its id.
_running: ContextVar[tuple[Job, str] | None] = ContextVar("_running", default=None)


def attach() -> None:
    """Attach to the workers that this process runs, if it runs any."""
    _attach.when_imported("arq.worker", _patch)


def _patch(module: Any) -> None:
    worker = getattr(module, "Worker", None)
    prefix = getattr(module, "in_progress_key_prefix", None)
    decode = getattr(module, "deserialize_job_raw", None)
    if worker is None or prefix is None or not all(hasattr(worker, name) for name in _NEEDED):
        _attach.warn("this version of arq is not known to its hook; the worker runs as without it")
        return
    if hasattr(worker.run_job, "__wrapped__"):
        return
    gate = _Gate(prefix)
    originals = {name: getattr(worker, name) for name in _NEEDED}

    # Wrapped, because arq looks at the constructor's signature to see which settings there are.
    @functools.wraps(originals["__init__"])
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        limit = None if "job_completion_wait" in kwargs else stop_limit(MARGIN_SECONDS)
        if limit is not None:
            kwargs["job_completion_wait"] = limit
        originals["__init__"](self, *args, **kwargs)
        self._supervisor_sets_wait = limit is not None

    @functools.wraps(originals["main"])
    async def main(self: Any) -> Any:
        gate.start()
        await gate.first_word()
        return await originals["main"](self)

    @functools.wraps(originals["_poll_iteration"])
    async def poll_iteration(self: Any) -> None:
        if getattr(asyncio.current_task(), "cancelling", int)():
            raise asyncio.CancelledError
        await originals["_poll_iteration"](self)
        if not self.allow_pick_jobs:
            # An older arq forgets ended jobs only while it picks, and waits at its end for all that it remembers.
            for job_id, task in list(self.tasks.items()):
                if task.done():
                    del self.tasks[job_id]
                    task.result()

    @functools.wraps(originals["start_jobs"])
    async def start_jobs(self: Any, job_ids: Any) -> Any:
        return await originals["start_jobs"](self, gate.until_shut(job_ids))

    @functools.wraps(originals["run_job"])
    async def run_job(self: Any, job_id: str, score: int) -> Any:
        if not gate.is_kept:
            return await originals["run_job"](self, job_id, score)
        job = await gate.begin(self, job_id)
        if job is None:
            return None
        try:
            return await originals["run_job"](self, job_id, score)
        finally:
            job.end()

    @functools.wraps(originals["handle_sig_wait_for_completion"])
    def handle_sig_wait_for_completion(self: Any, signum: Any) -> Any:
        # By now the supervisor has said how long there is.
        limit = stop_limit(MARGIN_SECONDS)
        if self._supervisor_sets_wait and limit is not None:
            self._supervisor_deadline = time.monotonic() + limit
            self._job_completion_wait = UNLIMITED_SECONDS
        return originals["handle_sig_wait_for_completion"](self, signum)

    @functools.wraps(originals["_sleep_until_tasks_complete"])
    async def sleep_until_tasks_complete(self: Any) -> None:
        deadline = getattr(self, "_supervisor_deadline", None)
        if deadline is None:
            await originals["_sleep_until_tasks_complete"](self)
            return
        while self.tasks and not is_over(deadline):
            await asyncio.sleep(LOOK_SECONDS)

    worker.__init__, worker.main = init, main
    worker._poll_iteration, worker.start_jobs, worker.run_job = poll_iteration, start_jobs, run_job
    worker.handle_sig_wait_for_completion = handle_sig_wait_for_completion
    worker._sleep_until_tasks_complete = sleep_until_tasks_complete
    worker.allow_pick_jobs = property(gate.may_pick, _remember_may_pick)
    if decode is not None:
        module.deserialize_job_raw = gate.naming(decode)


def _remember_may_pick(worker: Any, value: bool) -> None:
    worker.__dict__["allow_pick_jobs"] = value


class _Gate:
    """The gate of this process, and the holds of what runs behind it."""

    def __init__(self, in_progress_prefix: str) -> None:
        self.is_kept = False
        self._prefix = in_progress_prefix
        self._keeper = Keeper(shut=lambda: True, open=lambda: None, stop_signal=signal.SIGTERM)

    @_attach.guard
    def start(self) -> None:
        if not self.is_kept:
            _attach.claim("arq")
            client().introduce(f"arq {os.getpid()}", "arq", _version(), gated=True)
            note_version("arq", _version(), SUPPORTED)
            self._keeper.start()
            self.is_kept = True

    async def first_word(self) -> None:
        """Give the supervisor a moment to say whether there may be jobs at all; the event loop goes on."""
        here = client()
        if self.is_kept and not here.spoken():
            await here.waiting.wait_async(here.spoken, max(here.first_word_timeout(), here.hold_wait, 0.0))

    def may_pick(self, worker: Any) -> bool:
        """Whether a worker may look for jobs; what arq reads as its own attribute."""
        allowed: bool = worker.__dict__.get("allow_pick_jobs", True)
        return allowed and not (self.is_kept and self._is_shut())

    def until_shut(self, job_ids: Any) -> Iterator[Any]:
        """Yield what was found in the queue, until the gate shuts."""
        for job_id in job_ids:
            if self.is_kept and self._is_shut():
                return
            yield job_id

    async def begin(self, worker: Any, job_id: str) -> Job | None:
        """Return the hold of a job that may begin; hand back one that may not."""
        if not self._is_shut():
            try:
                job = await Job(job_id).__aenter__()
            except asyncio.CancelledError:
                # The worker is ending, and this job has not begun. It goes back like any other that may not begin: as
                # an error it would break off the worker's own way out.
                await self._hand_back(worker, job_id)
                return None
            if not self._is_shut() and not job.refused:
                _running.set((job, job_id))
                return job
            job.end()
        await self._hand_back(worker, job_id)
        return None

    def naming(self, decode: Any) -> Any:
        """Return what reads a job's data: only then its name is known, and told."""

        def decode_and_name(*args: Any, **kwargs: Any) -> Any:
            read = decode(*args, **kwargs)
            running = _running.get()
            if running is not None:
                with contextlib.suppress(AttributeError, IndexError, TypeError):
                    running[0].rename(f"{read[0]} {running[1]}")
            return read

        return decode_and_name

    def _is_shut(self) -> bool:
        return self._keeper.wanted_shut

    async def _hand_back(self, worker: Any, job_id: str) -> None:
        # Shielded: a mark that is left behind keeps the job from running until it expires, five minutes by default.
        deletion = asyncio.ensure_future(worker.pool.delete(self._prefix + job_id))
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(deletion)
        await deletion


def _version() -> str:
    try:
        from arq.version import VERSION
    except ImportError:
        return ""
    return str(VERSION)
