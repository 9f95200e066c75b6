"""The hook for taskiq: every task that runs is a hold, and a shut gate lets the receiver begin no other one.

    from supervisor.hooks.taskiq import attach     # in the module of the broker; only where `run` does not attach
    attach()

taskiq has no way to be quiet. What is made here of its parts holds for any broker, as far as said:

Rules
  1. Attached is the class `Receiver`, when its module is imported; a process becomes a worker when a receiver listens.
  2. A hold lasts from `run_task` to the end of `callback`: from before the dependencies are resolved until the result is
     saved and the message acknowledged, however it ends.
  3. The gate is in front of the fetch (`broker.listen`) and again in front of the task. A fetch that was under way when
     the gate shut may still bring one message; it is handed back. A hold is taken before the gate is asked, so nothing
     slips between and `shut` is confirmed at once.
  4. Handed back means sent again and then acknowledged, by the broker's own `kick` and `ack`: in that order, so that a
     death in between runs a task twice and never loses it. It joins the end of its queue; only a Redis list takes it
     back at the front.
  5. A function without `async` waits in a thread pool behind others, up to --max-async-tasks of them (100 by default).
     Those that wait there when the gate shuts are handed back as their turn comes. In a process pool
     (--use-process-pool) that is not possible: what was given to it will run, and is held as running.
  6. A Redis stream is read ahead (`xread_count`, 100 by default); what was read and not yet begun would stay with this
     consumer, after a clean exit too, until `idle_timeout` (10 minutes) has passed *and* a new message comes. When the
     gate shuts it is sent again, unless the app names the consumer itself, so that others may go by the same name.
  7. How long a receiver waits for its tasks at the end is ours, less the time for the exit, where the user has not chosen
     a --wait-tasks-timeout; none at all when the supervisor has died.
  8. If the main process has died, a worker process shuts its gate and ends when its tasks have: left alone it would
     fetch for ever. If the supervisor has died, the first worker process asks the main process to end.
  9. A stop signal does not wake taskiq's event loop: it is heard when something else does, on an idle stream with the next
     answer of Redis, and a fetch that is cancelled in that very moment goes on for ever. So while the gate is shut the loop
     is woken every quarter of a second.

Not possible: a Redis list gives a message away when it is fetched, so a task that runs at SIGKILL is lost.

Sources (taskiq 0.13.0): receiver/receiver.py Receiver.listen, prefetcher, runner, callback, run_task; cli/worker/run.py
start_listen; cli/worker/process_manager.py. taskiq-redis 1.2.4: redis_broker.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import multiprocessing
import os
from contextvars import ContextVar
from typing import Any

from . import _attach
from ._client import client
from ._keeper import Keeper
from ._limits import stop_limit
from ._parent import Parent
from ._taskiq_broker import advice, hand_back, hand_back_read_ahead, remember_ids
from ._versions import note_version
from .job import Job

# The oldest tested, the first not tested.
SUPPORTED = ("0.12", "0.14")

# From its own limit to the exit: the main process looks once a second, and the broker is closed.
MARGIN_SECONDS = 3.0
# How long an event loop waits at the gate before it looks again.
GATE_SECONDS = 0.25
# For moving what was read ahead, with a broker that may hang; a part that was moved stays moved.
HAND_BACK_SECONDS = 2.0

_NEEDED = ("listen", "callback", "run_task")

# In the task of a message: what is known of it.
_delivery: ContextVar[_Delivery | None] = ContextVar("_delivery", default=None)


def attach() -> None:
    """Attach to the receivers that this process runs, if it runs any."""
    _attach.when_imported("taskiq.receiver.receiver", _patch)


def _patch(module: Any) -> None:
    receiver: Any = getattr(module, "Receiver", None)
    no_result: Any = getattr(module, "NoResultError", None)
    result_type: Any = getattr(module, "TaskiqResult", None)
    fits = None not in (receiver, no_result, result_type) and all(hasattr(receiver, name) for name in _NEEDED)
    # Before 0.12 a receiver cannot be told from here to end.
    if not fits or "finish_event" not in inspect.signature(receiver.listen).parameters:
        _attach.warn("this version of taskiq is not known to its hook; the worker runs as without it")
        return
    if hasattr(receiver.listen, "__wrapped__"):
        return
    originals = {name: getattr(receiver, name) for name in _NEEDED}

    class NotBegunError(no_result):  # type: ignore[misc]
        """Why a task has no result: it was handed back."""

    @functools.wraps(originals["listen"])
    async def listen(self: Any, finish_event: Any) -> Any:
        attached = _listen_attached(self, finish_event, NotBegunError)
        try:
            return await originals["listen"](self, finish_event)
        finally:
            if attached is not None:
                attached.restore()

    @functools.wraps(originals["callback"])
    async def callback(self: Any, message: Any, *args: Any, **kwargs: Any) -> Any:
        attached = _receivers.get(id(self))
        if attached is None:
            return await originals["callback"](self, message, *args, **kwargs)
        if attached.is_shut() and await attached.hand_back(message):
            return None
        delivery = _Delivery(attached, message)
        token = _delivery.set(delivery)
        try:
            result = await originals["callback"](self, message, *args, **kwargs)
            attached.ids.done(message)
            return result
        finally:
            _delivery.reset(token)
            if delivery.job is not None:
                delivery.job.end()

    @functools.wraps(originals["run_task"])
    def run_task(self: Any, target: Any, message: Any, *args: Any, **kwargs: Any) -> Any:
        delivery = _delivery.get()
        if delivery is None or delivery.job is not None:
            return originals["run_task"](self, target, message, *args, **kwargs)
        job = delivery.job = Job(f"{message.task_name} {message.task_id}")
        if client().hold_wait:
            return run_asking(self, delivery, job, target, message, *args, **kwargs)
        job.begin()
        # Mostly, and without one more coroutine around each task. What waits for a thread is asked again.
        if inspect.iscoroutinefunction(target) and not delivery.attached.is_shut():
            return originals["run_task"](self, target, message, *args, **kwargs)
        return run_gated(self, delivery, job, target, message, *args, **kwargs)

    async def run_asking(
        self: Any, delivery: _Delivery, job: Job, target: Any, message: Any, *args: Any, **kwargs: Any
    ) -> Any:
        await job.__aenter__()
        return await run_gated(self, delivery, job, target, message, *args, **kwargs)

    async def run_gated(
        self: Any, delivery: _Delivery, job: Job, target: Any, message: Any, *args: Any, **kwargs: Any
    ) -> Any:
        may_begin = not (delivery.attached.is_shut() or job.refused)
        if not may_begin and await delivery.attached.hand_back(delivery.message):
            error = NotBegunError()
            return result_type(
                is_err=True, return_value=None, execution_time=0.0, error=error, labels=message.labels
            )
        result = await originals["run_task"](self, target, message, *args, **kwargs)
        if isinstance(getattr(result, "error", None), NotBegunError):
            await delivery.attached.hand_back(delivery.message)
        return result

    receiver.listen, receiver.callback, receiver.run_task = listen, callback, run_task


_receivers: dict[int, _Attached] = {}


@_attach.guard
def _listen_attached(receiver: Any, finish_event: Any, not_begun: type[BaseException]) -> _Attached | None:
    _attach.claim("taskiq")
    attached = _Attached(receiver, finish_event, not_begun)
    attached.start()
    _receivers[id(receiver)] = attached
    return attached


class _Delivery:
    """A message on its way through the receiver, and its hold."""

    __slots__ = ("attached", "job", "message")

    def __init__(self, attached: _Attached, message: Any) -> None:
        self.attached = attached
        self.message = message
        self.job: Job | None = None


class _Attached:
    """A receiver that listens, with its gate."""

    def __init__(self, receiver: Any, finish_event: Any, not_begun: type[BaseException]) -> None:
        self._receiver = receiver
        self._broker = receiver.broker
        self._loop = asyncio.get_running_loop()
        self._finish_event = finish_event
        self._keeper = Keeper(shut=self._shut, open=lambda: None)
        self._is_ticking = False
        self._has_our_limit = False
        self._parent = Parent("taskiq", self._leave)
        self._listen = receiver.broker.listen
        self._executor = receiver.executor
        self._not_begun = not_begun
        self.ids = remember_ids(receiver.broker)

    def start(self) -> None:
        here = client()
        name = multiprocessing.current_process().name
        here.introduce(f"taskiq {name} {os.getpid()}", "taskiq", _version(), gated=True)
        note_version("taskiq", _version(), SUPPORTED)
        self._advise()
        self._keeper.start()
        self._parent.watch()
        if name.endswith("-0"):
            self._parent.end_with_supervisor()
        self._has_our_limit = getattr(self._receiver, "wait_tasks_timeout", 0) is None
        if self._has_our_limit:
            self._receiver.wait_tasks_timeout = stop_limit(MARGIN_SECONDS)
        self._broker.listen = self._gated_listen
        if self._executor is not None and not getattr(self._receiver, "is_process_pool", False):
            self._receiver.executor = _GatedExecutor(self._executor, self)

    def restore(self) -> None:
        """Leave the broker and the receiver as they were, for whoever listens next."""
        _receivers.pop(id(self._receiver), None)
        self._broker.__dict__.pop("listen", None)
        self._receiver.executor = self._executor

    def is_shut(self) -> bool:
        return self._parent.is_dead or self._keeper.wanted_shut

    async def hand_back(self, message: Any) -> bool:
        """Return a message to the broker; False where it could not be understood, so that taskiq deals with it."""
        if not await hand_back(self._broker, message):
            return False
        self.ids.done(message)
        if not self.is_shut():
            # Refused: whoever fetches it again at once will be refused again.
            await asyncio.sleep(GATE_SECONDS)
        return True

    def begin_in_thread(self, work: Any, *args: Any) -> Any:
        """Run what has waited for a thread, unless the gate has shut meanwhile."""
        if self.is_shut():
            raise self._not_begun
        return work(*args)

    async def _gated_listen(self) -> Any:
        """Yield what the broker's own `listen` yields, and ask it for nothing while the gate is shut."""
        here = client()
        if not here.spoken():
            await here.waiting.wait_async(here.spoken, max(here.first_word_timeout(), here.hold_wait, 0.0))
        messages = self._listen()
        try:
            # The receiver cancels what waits here, but asyncio (before Python 3.12) and redis-py may swallow that.
            while not self._finish_event.is_set():
                if self.is_shut():
                    await self._hand_back_read_ahead()
                    await here.waiting.wait_async(lambda: not self.is_shut(), GATE_SECONDS)
                    continue
                try:
                    message = await anext(messages)
                except StopAsyncIteration:
                    return
                if not self.ids.was_sent_again(message):
                    yield message
        finally:
            self._lift_limit()
            # Whoever ends without having been quiet leaves nothing behind either.
            await messages.aclose()
            await self._hand_back_read_ahead()

    async def _hand_back_read_ahead(self) -> None:
        try:
            await asyncio.wait_for(hand_back_read_ahead(self._broker, self.ids), HAND_BACK_SECONDS)
        except Exception as error:  # noqa: BLE001 - the broker's, of whatever kind: tried again in a moment
            _attach.warn(
                f"what was read ahead could not be handed back yet ({type(error).__name__}: {error})"
            )

    def _shut(self) -> bool:
        with contextlib.suppress(RuntimeError):  # the loop has been closed: nothing listens any more
            self._loop.call_soon_threadsafe(self._tick, False)
        return True

    def _tick(self, again: bool) -> None:
        """Let the loop look around while the gate is shut, for rule 9."""
        if again or not self._is_ticking:
            self._is_ticking = self.is_shut()
            # Before taskiq 0.13 the tasks are waited for while `listen` still runs.
            self._lift_limit()
            if self._is_ticking:
                self._loop.call_later(GATE_SECONDS, self._tick, True)

    def _lift_limit(self) -> None:
        """Have running tasks waited for without end where nobody would kill them any more."""
        if self._has_our_limit and client().supervisor_is_dead():
            self._receiver.wait_tasks_timeout = None

    def _leave(self) -> None:
        self._loop.call_soon_threadsafe(self._finish_event.set)

    @_attach.guard
    def _advise(self) -> None:
        for setting, why, fix in advice(self._broker, self.ids):
            client().advise(setting, why, fix)


class _GatedExecutor:
    """A thread pool whose threads ask the gate before they begin."""

    def __init__(self, executor: Any, attached: _Attached) -> None:
        self._executor = executor
        self._attached = attached

    def submit(self, work: Any, *args: Any) -> Any:
        # Only what the receiver submits for a task; a task of ours that has begun may use the pool as it likes.
        if _delivery.get() is None:
            return self._executor.submit(work, *args)
        return self._executor.submit(self._attached.begin_in_thread, work, *args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._executor, name)


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("taskiq")
    except metadata.PackageNotFoundError:
        return ""
