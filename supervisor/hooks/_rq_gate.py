"""The gate and the hold of one RQ worker; the rules are in rq.py.

What it does with RQ's objects it does by their names: neither RQ nor Redis is imported here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from . import _attach
from ._client import client
from ._keeper import Keeper
from .job import Job

# One blocking pop. Redis takes whole seconds from RQ, and a quiet has to be confirmed soon.
POP_SECONDS = 1
# At a shut gate, between two signs of life for RQ, which takes a worker for dead after 480 s.
HEARTBEAT_SECONDS = 15.0
# After a refusal, before the next fetch.
REFUSED_SECONDS = 1.0

# No job this time, and no reason to tell RQ.
NOTHING = object()


class Worker:
    """worker: RQ's. master: the pid of the pool it is a member of, 0 for none. stop_signal: what ends it gracefully."""

    def __init__(self, worker: Any, version: str, master: int, stop_signal: int) -> None:
        self._worker = worker
        self._version = version
        self._master = master
        self._pid = os.getpid()
        # From before a pop until its job is held: nobody may say that nothing will begin.
        self._fetching = False
        # Popped, and not given back or begun to run yet; with the hold, which lasts until it has run.
        self._in_hand: tuple[Any, Any] | None = None
        self._hold: Job | None = None
        self._has_begun = self._has_advised = False
        self._run, self._shut_down, self._tear_down = worker.execute_job, worker._shutdown, worker.teardown
        self._keeper = Keeper(shut=lambda: not self._fetching, open=lambda: None, stop_signal=stop_signal)

    def install(self) -> None:
        client().introduce(
            f"rq worker {self._worker.name}",
            framework="rq",
            version=self._version,
            gated=True,
            heirs=True,
        )
        self._keeper.start()
        self._worker.execute_job = self.execute
        self._worker._shutdown = self.shut_down
        self._worker.teardown = self.tear_down

    @property
    def is_here(self) -> bool:
        """Whether this process is the worker's, and not one that was forked from it."""
        return os.getpid() == self._pid

    def fetch(self, pop: Callable[[int | None], Any], timeout: int | None) -> Any:
        """Return the next job that may begin, with its queue. Raise what RQ does: DequeueTimeout, StopRequested."""
        if not self._has_begun:
            self._wait_open()
            self._has_begun = True
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            if self._in_hand is not None:
                self._put_back()
            self._leave_if_told()
            # In this order: either the keeper sees that we fetch, or we see that it wants the gate shut.
            self._fetching = True
            try:
                if not self._keeper.wanted_shut:
                    found = self._pop(pop, deadline)
                    if found is not NOTHING:
                        return found
            finally:
                self._fetching = False
            self._leave_if_told()
            if self._keeper.wanted_shut:
                self._wait_open()

    def execute(self, job: Any, queue: Any) -> Any:
        """Run the job, or have it run by a horse."""
        try:
            return self._run(job, queue)
        finally:
            self._in_hand = None
            self._end_hold()

    def shut_down(self) -> Any:
        """Stop, as RQ does in its signal handler; but with a job on its way to us only note it (rule 4).

        Noted in any case: what RQ raises is lost in a finalizer (`Pipeline.__del__` of redis-py, seen with RQ 1.16.0).
        """
        self._worker._stop_requested = True
        if (self._fetching or self._in_hand is not None) and self._worker.get_state() != "busy":
            return None
        return self._shut_down()

    def tear_down(self) -> Any:
        """Say goodbye to Redis, as RQ does; but on connections that a stop has not hit while an answer was on its way.

        Such an answer is taken for that of the goodbye, which fails then, and RQ ends with status 1 (2 of 520 stops).
        """
        if self._worker._stop_requested:
            # Where it cannot be done it is as it is without us.
            with suppress(Exception):
                self._worker.connection.connection_pool.disconnect(inuse_connections=False)
        return self._tear_down()

    def leave(self) -> None:
        """Give back what was popped and never begun, when the worker ends for whatever reason."""
        try:
            self._put_back()
        finally:
            self._end_hold()

    def _pop(self, pop: Callable[[int | None], Any], deadline: float | None) -> Any:
        try:
            found = pop(None if deadline is None else POP_SECONDS)
        except Exception as error:
            if type(error).__name__ != "DequeueTimeout" or deadline is None or time.monotonic() >= deadline:
                raise
            return NOTHING
        if found is None:
            return found
        job, _ = self._in_hand = found
        refused = False
        if not self._is_late():
            self._hold = Job(job_name(job.description, job.id)).begin()
            refused = self._hold.refused
            if not refused and not self._worker._stop_requested:
                if not self._has_advised:
                    self._advise(job)
                return found
        self._put_back()
        if refused:
            client().waiting.wait(self._is_late, REFUSED_SECONDS)
        return NOTHING

    def _put_back(self) -> None:
        """Put the job in hand back to where it was popped from, in one transaction with its way out of the other list."""
        if self._in_hand is None:
            return
        job, queue = self._in_hand
        with self._worker.connection.pipeline() as pipeline:
            queue.push_job_id(job.id, pipeline=pipeline, at_front=True)
            pipeline.lrem(queue.intermediate_queue_key, 1, job.id)
            pipeline.execute()
        self._in_hand = None
        self._end_hold()

    def _end_hold(self) -> None:
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.end()

    def _wait_open(self) -> None:
        """Wait at the gate. A stop signal raises StopRequested out of this wait."""
        while not self._keeper.wait_open(
            max(HEARTBEAT_SECONDS if self._has_begun else 0.0, client().hold_wait, 1.0)
        ):
            self._leave_if_told()
            # To its Redis a worker that waits is alive; without Redis it may wait just as well.
            _beat(self._worker)

    def _is_late(self) -> bool:
        return self._keeper.wanted_shut or self._is_told()

    def _is_told(self) -> bool:
        return self._worker._stop_requested or self._is_orphan()

    def _is_orphan(self) -> bool:
        return self._master > 0 and os.getppid() != self._master

    def _leave_if_told(self) -> None:
        if self._is_orphan():
            _attach.warn(
                f"rq worker {self._worker.name}: the pool's main process has died; this worker takes no more jobs and ends"
            )
            self._worker._stop_requested = True
        if self._worker._stop_requested:
            # Raises StopRequested, as nothing is in hand any more.
            self._shut_down()

    def _advise(self, job: Any) -> None:
        if not job.retries_left:
            self._has_advised = True
            client().advise(
                "Retry",
                "RQ marks a job as failed that was cut by SIGKILL, and does not run it again",
                "enqueue what may run twice with `retry=Retry(max=1)`",
            )


@_attach.guard
def _beat(worker: Any) -> None:
    worker.heartbeat()


def job_name(description: str | None, id_: str) -> str:
    """Return what people call this job. Of RQ's description, `app.send("to")`, without what may be private."""
    return f"{(description or '').partition('(')[0].strip()[:100]} {id_}".strip()
