"""The hook for Dramatiq: every message is a hold, and a shut gate lets no worker thread begin another one.

    from supervisor.hooks.dramatiq import attach     # in the module of the actors; only where `run` does not attach
    attach()

Rules
  1. Attached is the Worker, when it starts: its class is patched (`Worker.start`), so that it does not matter which
     broker the command names. `run` adds this module to the command, which imports it in every worker process.
  2. A hold lasts as long as `WorkerThread.process_message`: from before the first middleware until the message has been
     acknowledged, however it ends (success, failure, retry, skip, time limit). A delayed message, and so a retry, is
     fetched but not busy: it begins when it is due.
  3. The gate is in front of the threads, not only of the fetch, because a fetch may be under way: whatever comes to a
     thread while it is shut is handed back, so `shut` is confirmed as soon as that is so. A hold is taken before the
     gate is asked: none can slip between.
  4. What is handed back goes to Redis at once, by the consumer's own `requeue`, as Dramatiq itself does at its exit; it
     joins the end of its queue. Messages that other brokers have sent ahead (RabbitMQ) stay in this process, unbegun,
     until the gate opens or the process ends: the broker hands them on when the connection closes, and Dramatiq's own
     way to pause a consumer would close it under the running jobs.
  5. Delayed messages stay in memory; when due they go back to their queue, also while the gate is shut.
  6. Dramatiq's limit for its shutdown is ours, less the time for its exit, where the user has not chosen one: then what
     it still holds goes back to the queue before SIGKILL. What runs by then stays with the dead worker's messages. Where
     the supervisor has died, before the stop or after, there is no limit.
  7. A message is never skipped: SkipMessage acknowledges it, and it would be lost.
  8. If the main process has died, a worker process shuts its gate and ends gracefully: left alone it would fetch for
     ever. If the supervisor has died, the first worker process asks the main process to end.

Not possible: to tell Dramatiq anything from outside; it has no signal for quiet. A second TERM kills running jobs.

Sources (Dramatiq 2.2.1): worker.py Worker.start/stop, ConsumerThread.run/handle_message, WorkerThread.run/process_message;
brokers/redis.py RedisBroker.do_* and _RedisConsumer.requeue; cli.py worker_process and main.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from typing import Any

from . import _attach
from ._client import client
from ._keeper import Keeper
from ._limits import is_over, stop_limit
from ._parent import Parent
from ._versions import note_version
from .job import Job

# The oldest tested, the first not tested.
SUPPORTED = ("1.17", "2.3")

# How long a thread waits at a shut gate before it looks whether it was told to end.
GATE_SECONDS = 0.25
# A process that was told to end notices within its own tick of 1 s; a second TERM in that time would kill its jobs.
TICK_SECONDS = 1.5
# Dramatiq's own choice for its shutdown, in milliseconds: who has it has not chosen.
DEFAULT_TIMEOUT = 600_000
# Between two looks at whether all have ended.
JOIN_SECONDS = 0.05
# Of its time, what Dramatiq itself waits at the end, in milliseconds; before that we do, and look whether there is a limit.
LAST_TIMEOUT = 500
# A consumer looks whether it is to end as often as it gets nothing, and once more that long for what it does then.
CONSUMER_SECONDS = 0.5
# From the end of that time to the exit, besides what a consumer takes: the main process looks once a second.
MARGIN_SECONDS = 2.0
# What Dramatiq itself chooses: one command in a thousand looks for messages of dead workers.
RARE_MAINTENANCE = 1000


def attach() -> None:
    """Attach to the worker that this process starts, if it starts one."""
    _attach.when_imported("dramatiq.worker", _patch)


def _patch(module: Any) -> None:
    worker: Any = getattr(module, "Worker", None)
    # Dramatiq 1 keeps these two for itself.
    thread: Any = getattr(module, "WorkerThread", None) or getattr(module, "_WorkerThread", None)
    consumer: Any = getattr(module, "ConsumerThread", None) or getattr(module, "_ConsumerThread", None)
    wanted = (
        getattr(worker, "start", None),
        getattr(worker, "stop", None),
        getattr(thread, "process_message", None),
        getattr(consumer, "handle_message", None),
        getattr(consumer, "requeue_messages", None),
        getattr(consumer, "stop", None),
        getattr(module, "Middleware", None),
    )
    if None in wanted:
        _attach.warn("this version of Dramatiq is not known to its hook; the worker runs as without it")
        return
    if hasattr(worker.start, "__wrapped__"):
        return
    start, stop, process_message = worker.start, worker.stop, thread.process_message

    def start_attached(self: Any, *args: Any, **kwargs: Any) -> Any:
        _attach_to(self, module.Middleware)
        return start(self, *args, **kwargs)

    def process_attached(self: Any, message: Any) -> Any:
        attached: _Attached | None = _workers.get(id(self.work_queue))
        if attached is None:
            return process_message(self, message)
        job = attached.begin(message)
        if job is None:
            return attached.keep_out(message)
        try:
            return process_message(self, message)
        finally:
            job.end()

    def stop_in_time(self: Any, timeout: int = DEFAULT_TIMEOUT) -> Any:
        limit = stop_limit(MARGIN_SECONDS + self.worker_timeout / 1000)
        if limit is not None and timeout == DEFAULT_TIMEOUT:
            attached: _Attached | None = _workers.get(id(self.work_queue))
            if attached is None:
                timeout = int(limit * 1000)
            else:
                attached.deadline = time.monotonic() + limit - LAST_TIMEOUT / 1000
                timeout = LAST_TIMEOUT
        return stop(self, timeout)

    start_attached.__wrapped__ = start  # type: ignore[attr-defined]
    worker.start, worker.stop = start_attached, stop_in_time
    thread.process_message = process_attached


# Found by its work queue, which is all that a worker thread knows of its worker.
_workers: dict[int, _Attached] = {}


@_attach.guard
def _attach_to(worker: Any, middleware: Any) -> None:
    _attach.claim("dramatiq")
    attached = _Attached(worker)
    worker.broker.add_middleware(_middleware(middleware, attached))
    fetch = getattr(worker.broker, "do_fetch", None)
    if fetch is not None:
        worker.broker.do_fetch = attached.gated(fetch)
    _workers[id(worker.work_queue)] = attached
    attached.start()


class _Attached:
    """A worker with its gate."""

    def __init__(self, worker: Any) -> None:
        self.worker = worker
        self.stopping = False
        # Until then running messages are waited for; None where the user has chosen a limit.
        self.deadline: float | None = None
        self.keeper = Keeper(shut=self.shut, open=self.open)
        self.parent = Parent("Dramatiq", self.leave, TICK_SECONDS, lambda: self.stopping)

    def start(self) -> None:
        here = client()
        name = multiprocessing.current_process().name
        here.introduce(f"dramatiq {name} {os.getpid()}", "dramatiq", _version(), gated=True)
        note_version("Dramatiq", _version(), SUPPORTED)
        self.advise()
        self.keeper.start()
        self.parent.watch()
        if name.endswith("-1"):
            self.parent.end_with_supervisor()

    def is_shut(self) -> bool:
        return self.parent.is_dead or self.keeper.wanted_shut

    def wait_first_word(self) -> None:
        """Give the supervisor a moment to say whether there may be jobs at all."""
        here = client()
        if not here.spoken():
            here.waiting.wait(here.spoken, max(here.first_word_timeout(), here.hold_wait, 0.0))

    def wait_open(self) -> bool:
        """Wait a moment at the gate; whether it is open."""
        if not self.parent.is_dead:
            return self.keeper.wait_open(GATE_SECONDS)
        threading.Event().wait(GATE_SECONDS)
        return False

    def begin(self, message: Any) -> Job | None:
        """Return the hold of a message that may begin."""
        if self.is_shut():
            return None
        job = Job(f"{message.actor_name} {message.message_id}").begin()
        # Asked again: whoever shut the gate before it could see this hold must be right that nothing begins.
        if self.is_shut() or job.refused:
            job.end()
            return None
        return job

    def keep_out(self, message: Any) -> None:
        """Take back a message that a worker thread has in hand and may not begin."""
        if not self.hand_back(message):
            self.worker.consumers[message.queue_name].handle_message(message)
        self.worker.work_queue.task_done()
        # Also where it was only refused: asked for again at once, it would be refused again.
        if not self.wait_open():
            return
        threading.Event().wait(GATE_SECONDS)

    def hand_back(self, message: Any) -> bool:
        """Return a message to its queue; False where that cannot be done while the worker runs."""
        thread = self.worker.consumers[message.queue_name]
        counted = getattr(thread.consumer, "queued_message_ids", None)
        if counted is None or "redis_message_id" not in message.options:
            return False
        try:
            thread.requeue_messages([message])
        except Exception as error:  # noqa: BLE001 - the broker's, of whatever kind: the message stays with us
            _attach.warn(f"a message could not be handed back yet ({type(error).__name__}: {error})")
            return False
        counted.discard(message.message_id)
        return True

    def shut(self) -> bool:
        """Hand back what waits for a worker thread. Nothing begins from the moment the gate is wanted shut."""
        queue = self.worker.work_queue
        with contextlib.suppress(Exception):  # queue.Empty, gevent's or our own
            while True:
                item = queue.get_nowait()
                # Dramatiq 1 keeps pairs.
                message = getattr(item, "message", None) or item[-1]
                if not self.hand_back(message):
                    queue.put(item)
                    queue.task_done()
                    break
                queue.task_done()
        client().reserved(queue.qsize())
        return True

    def open(self) -> None:
        client().reserved(0)

    def gated(self, fetch: Any) -> Any:
        """Return the fetch that brings nothing while the gate is shut."""

        def fetch_if_open(queue_name: Any, *args: Any) -> Any:
            return fetch(queue_name, *args) if not self.is_shut() or self.wait_open() else []

        return fetch_if_open

    def wait_for_jobs(self) -> None:
        """Wait for the threads; Dramatiq, once it does so itself, cannot be told any more that there is no limit."""
        if self.deadline is not None:
            for thread in self.worker.workers:
                thread.stop()
            while not is_over(self.deadline) and any(thread.is_alive() for thread in self.worker.workers):
                threading.Event().wait(JOIN_SECONDS)
            self.wait_for_consumers()

    def wait_for_consumers(self) -> None:
        """End the consumers, which Dramatiq closes next: one that still reads takes the answer to that (RabbitMQ's), and
        the process waits for it for ever.
        """
        consumers = list(self.worker.consumers.values())
        for thread in consumers:
            thread.stop()
        end = time.monotonic() + self.worker.worker_timeout / 1000 + CONSUMER_SECONDS
        for thread in consumers:
            thread.join(max(end - time.monotonic(), 0.0))

    def leave(self) -> None:
        """End this process the way the main process would have ended it, unless it is already at it."""
        if not self.stopping:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    def advise(self) -> None:
        worker = self.worker
        rare = getattr(worker.broker, "maintenance_chance", RARE_MAINTENANCE + 1) <= RARE_MAINTENANCE
        if rare:
            client().advise(
                "maintenance_chance",
                "after a SIGKILL the messages of a dead worker are looked for with one command in a thousand: on a quiet"
                " queue that takes minutes to hours",
                "RedisBroker(maintenance_chance=100_000), or more",
            )
        if getattr(worker, "queue_prefetch", 0) > worker.worker_threads and rare:
            client().advise(
                "dramatiq_queue_prefetch",
                f"up to {worker.queue_prefetch - worker.worker_threads} messages wait in this process for a thread; after a"
                " SIGKILL they are found as late as the running ones",
                f"set the environment variable dramatiq_queue_prefetch={worker.worker_threads}",
            )


def _middleware(base: Any, attached: _Attached) -> Any:
    class SupervisorMiddleware(base):  # type: ignore[misc]
        """Holds a consumer back until the gate is open, and knows when the end has begun."""

        def after_consumer_thread_boot(self, broker: Any, thread: Any) -> None:  # noqa: ARG002 - Dramatiq's
            attached.wait_first_word()
            while thread.running and not attached.wait_open():
                pass

        def before_worker_shutdown(self, broker: Any, worker: Any) -> None:  # noqa: ARG002 - Dramatiq's
            attached.stopping = True
            # Ours is the last middleware: the others, one of which interrupts who wants to be, have been told.
            attached.wait_for_jobs()

    return SupervisorMiddleware()


def _version() -> str:
    with contextlib.suppress(ImportError):
        import dramatiq

        return str(dramatiq.__version__)
    return ""


if _attach.claim("dramatiq"):
    attach()
