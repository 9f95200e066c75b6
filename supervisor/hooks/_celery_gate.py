"""What keeps a Celery worker from beginning anything new, and gives back what it has fetched.

The gate is a flag that every request meets on its way into the pool; so it is shut at once, also while the worker's loop is
busy with a job or with a broker that is gone. Cancelling the consumers and giving back what waits is done by the loop
itself, as soon as it comes to it: transports and timers belong to it.

Rules
  1. A request has one fate, taken by whoever is first: it goes into the pool, or back to the broker.
  2. `shut` is confirmed when every reserved request is an active one. What comes later meets the flag.
  3. A request that goes back is requeued, with its ETA. On Redis it goes back to the end from which it was taken.
  4. A hold is said before the flag is looked at: whoever sees nothing in flight after shutting, sees all that began.

Mind: "reserved" and "active" are Celery's own words and sets (celery/worker/state.py).
"""

from __future__ import annotations

import _thread
import contextlib
from collections.abc import Callable
from typing import Any

from . import _attach
from ._client import client
from ._keeper import Keeper
from .job import Job

# A worker whose jobs are refused does not ask for the same ones again at once.
REFUSED_PAUSE_SECONDS = 5.0

# Kept in a request's own dictionary, so that they go when it goes.
_JOB = "_ecs_supervisor_job"
_FATE = "_ecs_supervisor_fate"


class NotBegunError(Exception):
    """Thrown through the pool in place of a job that may not begin; its request has gone back."""


class Gate:
    """The gate of one worker. begins_here: its jobs begin where Celery says so (threads, solo), not in a child."""

    def __init__(self, worker: Any, state: Any, begins_here: bool) -> None:
        self.keeper: Keeper
        self._worker = worker
        self._consumer = worker.consumer
        self._state = state
        self._begins_here = begins_here
        self._is_shut = False
        self._is_pausing = False
        self._is_asked = False
        self._execute: Callable[[Any], object] = worker._process_task
        self._lost = (*self._consumer.connection_errors, *self._consumer.channel_errors, OSError)

    def install(self) -> None:
        """Stand in the way of every request, before the consumer has made its strategies."""
        fetched = self._consumer.on_task_request

        def on_task_request(request: Any) -> object:
            if self.is_closed:
                self.give_back(request)
                return None
            try:
                return fetched(request)
            except NotBegunError:
                return None  # the pool is this very thread

        if not self._begins_here:
            # Celery looks it up when a slot is free; without slots (putlocks off) it has looked already.
            if fetched == self._worker._process_task:
                fetched = self._hand_over
            self._worker._process_task = self._hand_over
        self._consumer.on_task_request = on_task_request

    def guard(self, consumer: Any) -> None:
        """Keep a new connection's consumer from consuming while the gate is shut; before it has begun to."""
        tasks, self._is_asked = consumer.task_consumer, False
        consume = tasks.consume

        def consume_if_open(*args: Any, **kwargs: Any) -> object:
            return None if self.is_closed else consume(*args, **kwargs)

        tasks.consume = consume_if_open

    @property
    def is_closed(self) -> bool:
        """Whether nothing may begin."""
        return self._is_shut or self._is_pausing

    def shut(self) -> bool:
        """Let nothing begin any more; whether that is certain."""
        self._is_shut = True
        self._settle_soon()
        try:
            active = self._state.active_requests
            return all(request in active for request in tuple(self._state.reserved_requests))
        except RuntimeError:
            return False  # the set was changed while we looked

    def open(self) -> None:
        """Let new work begin again."""
        self._is_shut = False
        self._settle_soon()

    def reconcile(self) -> None:
        """Open a gate that was tried to be shut, when nobody wants that any more."""
        if self._is_shut and not self.keeper.wanted_shut:
            self.open()

    def began(self, request: Any) -> None:
        """Say that a job begins. Raise NotBegunError where it may not, and that can still be helped."""
        kept = request.__dict__
        if self._begins_here and _FATE in kept:
            # It went back while it waited for a thread; Celery has just noted it again.
            self._state.requests.pop(request.id, None)
            raise NotBegunError
        job = kept.get(_JOB)
        if job is None:
            job = kept[_JOB] = _hold(request)
        if self._begins_here and (job.refused or self.is_closed or not _take(request)):
            self.ended(request)
            self._state.requests.pop(request.id, None)
            self._consumer.call_soon(self._refuse if job.refused else self.give_back, request)
            raise NotBegunError

    def ended(self, request: Any) -> None:
        """Say that a job has ended; once more does nothing."""
        job = request.__dict__.pop(_JOB, None)
        if job is not None:
            job.end()

    def give_back(self, request: Any) -> None:
        """Requeue a request that has not begun; on the loop."""
        if _take(request):
            self._requeue(request)

    def scheduled(self) -> list[Any]:
        """Return the timer's entries of requests that wait for their ETA."""
        due = (self._consumer.apply_eta_task, self._consumer._limit_post_eta)
        entries = (waiting.entry for waiting in self._consumer.timer.schedule.queue)
        # A cancelled one stays in the timer until its time.
        return [
            each
            for each in entries
            if getattr(each, "fun", None) in due and not getattr(each, "canceled", False)
        ]

    def _hand_over(self, request: Any) -> None:
        """Send a request to a child; on the loop, with one of the pool's slots."""
        if self.is_closed:
            # All that wait for a slot, too: else each would get it in turn, one inside another.
            self._empty_waiting()
            self.give_back(request)
            self._release_slot()
        elif not _take(request):
            self._release_slot()
        elif client().hold_wait > 0:
            # The answer must not be waited for here, where the children's results are read.
            _thread.start_new_thread(self._ask, (request,))
        else:
            self._execute(request)

    def _ask(self, request: Any) -> None:
        request.__dict__[_JOB] = _hold(request)
        self._consumer.call_soon(self._answered, request)

    @_attach.guard
    def _answered(self, request: Any) -> None:
        job = request.__dict__[_JOB]
        if request not in self._state.reserved_requests:
            self.ended(request)  # its connection was lost meanwhile, and all that was fetched with it
        elif job.refused or self.is_closed:
            self.ended(request)
            request.__dict__.pop(_FATE, None)
            (self._refuse if job.refused else self.give_back)(request)
            self._release_slot()
        else:
            self._execute(request)

    def _refuse(self, request: Any) -> None:
        self.give_back(request)
        if not self._is_pausing:
            self._is_pausing = True
            self._quiet()
            self._consumer.timer.call_after(REFUSED_PAUSE_SECONDS, self._go_on)

    def _go_on(self) -> None:
        self._is_pausing = False
        self._settle_soon()

    def _settle_soon(self) -> None:
        if not self._is_asked:
            self._is_asked = True
            self._consumer.call_soon(self._settle)

    @_attach.guard
    def _settle(self) -> None:
        """Bring the loop's consumers in line with the flag, whatever was asked for first."""
        self._is_asked = False
        (self._quiet if self.is_closed else self._resume)()

    def _quiet(self) -> None:
        tasks = self._consumer.task_consumer
        if tasks is not None:
            # A lost connection the loop will find, too; the next one's consumer is guarded.
            with contextlib.suppress(*self._lost):
                tasks.cancel()
        self._empty_waiting()
        self._empty_timers()
        for bucket in self._consumer.task_buckets.values():
            for request, _tokens in tuple(bucket.contents) if bucket else ():
                self.give_back(request)
            if bucket:
                bucket.clear_pending()
        reserved, active = self._state.reserved_requests, self._state.active_requests
        # The newest first: each goes to the front of the queue, and the oldest shall be the first there.
        for request in reversed(tuple(self._state.requests.values())):
            if request in reserved and request not in active:
                self.give_back(request)

    def _resume(self) -> None:
        tasks = self._consumer.task_consumer
        if tasks is not None:
            with contextlib.suppress(*self._lost):
                tasks.consume()

    def _empty_waiting(self) -> None:
        """Give back what waits for a slot (prefork)."""
        waiting = getattr(self._worker.semaphore, "_waiting", None)
        while waiting:
            _callback, args, _kwargs = waiting.pop()
            self.give_back(args[0])

    def _empty_timers(self) -> None:
        """Give back what waits for its ETA."""
        for entry in self.scheduled():
            self._consumer.timer.cancel(entry)
            # An ETA had raised the number of messages that may be fetched.
            self._consumer.qos.decrement_eventually()
            self.give_back(entry.args[0])

    def _release_slot(self) -> None:
        if self._worker.semaphore is not None:
            self._worker._quick_release()

    def _requeue(self, request: Any) -> None:
        self._state.task_ready(request)
        qos: Any = getattr(request.message.channel, "qos", None)
        tag = request.message.delivery_tag
        if hasattr(qos, "restore_by_tag") and not request.acknowledged:
            from kombu.transport.virtual import QoS

            with contextlib.suppress(*self._lost):
                # A reject with requeue would put it behind everything that has been queued since. NB: no reject after
                # this. A message keeps its tag, and another worker may have fetched it: that would strike it off there.
                qos.restore_by_tag(tag)
                QoS.ack(qos, tag)
                request.acknowledged = True
        if not request.acknowledged:
            request.reject(requeue=True)


def _hold(request: Any) -> Job:
    return Job(f"{request.name} {request.id}").begin()


def _take(request: Any) -> bool:
    """Decide a request's fate; False where that was done before. Atomic: threads ask at the same time."""
    mine = object()
    return request.__dict__.setdefault(_FATE, mine) is mine
