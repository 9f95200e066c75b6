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

import functools
import inspect
from typing import Any

from . import _attach
from ._client import client
from ._taskiq_gate import Delivery, Receiver, in_hand
from ._versions import note_version
from .job import Job

# The oldest tested, the first not tested.
SUPPORTED = ("0.12", "0.14")

_NEEDED = ("listen", "callback", "run_task")


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
                _receivers.pop(id(self), None)
                attached.restore()

    @functools.wraps(originals["callback"])
    async def callback(self: Any, message: Any, *args: Any, **kwargs: Any) -> Any:
        attached = _receivers.get(id(self))
        if attached is None:
            return await originals["callback"](self, message, *args, **kwargs)
        if attached.is_shut() and await attached.hand_back(message):
            return None
        delivery = Delivery(attached, message)
        token = in_hand.set(delivery)
        try:
            result = await originals["callback"](self, message, *args, **kwargs)
            attached.ids.done(message)
            return result
        finally:
            in_hand.reset(token)
            if delivery.job is not None:
                delivery.job.end()

    @functools.wraps(originals["run_task"])
    def run_task(self: Any, target: Any, message: Any, *args: Any, **kwargs: Any) -> Any:
        delivery = in_hand.get()
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
        self: Any, delivery: Delivery, job: Job, target: Any, message: Any, *args: Any, **kwargs: Any
    ) -> Any:
        await job.__aenter__()
        return await run_gated(self, delivery, job, target, message, *args, **kwargs)

    async def run_gated(
        self: Any, delivery: Delivery, job: Job, target: Any, message: Any, *args: Any, **kwargs: Any
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


_receivers: dict[int, Receiver] = {}


@_attach.guard
def _listen_attached(receiver: Any, finish_event: Any, not_begun: type[BaseException]) -> Receiver | None:
    _attach.claim("taskiq")
    note_version("taskiq", _version(), SUPPORTED)
    attached = Receiver(receiver, finish_event, not_begun)
    attached.start(_version())
    _receivers[id(receiver)] = attached
    return attached


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("taskiq")
    except metadata.PackageNotFoundError:
        return ""
