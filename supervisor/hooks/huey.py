"""The hook for Huey: a hold for every task, a gate before the fetch, and an end for what a dead consumer leaves behind.

In an app's own code, where `run` does not attach it, before the consumer starts:

    from supervisor.hooks import huey
    huey.attach()

Rules
  1. What is wrapped is wrapped on the consumer's one Huey object (`dequeue`, `execute`, `read_schedule`) when the
     consumer starts, so that subclasses of it, of the consumer and of its workers keep theirs. Huey's signals would not do:
     a task that is cut sends `interrupted` from another thread, or nothing.
  2. The gate is in `dequeue`, before the storage is asked. A shut gate waits there and answers nothing. A task that
     comes out of a pop (one second on Redis) when the gate has shut, or that `protect before-start` refuses, goes back:
     to the front of a Redis list, elsewhere behind the others of its priority, as Huey has no front there.
  3. The hold begins before the fetch counts as ended, and ends when `execute` returns, whatever became of the task. A
     task that is only moved to the schedule (its time has not come) is no hold, but a fetch until it stands there.
  4. Threads share one gate. With `-k process` every worker process has its own, and its own connection, so that holds
     end with a killed one.
  5. A worker or scheduler process whose consumer has died finishes its task, fetches nothing more and ends. Without
     this it goes on for ever, and beside the consumer that replaces it enqueues every periodic task twice.
  6. The scheduler is not gated: what it moves or enqueues stays in the broker, and a periodic task that it left out
     would be missed.
  7. At a graceful stop Huey's own limit (`-t`, Huey 3.4) is set, where the user has not, to a second before our kill:
     Huey then interrupts the tasks and sends their `interrupted` signal, the one chance to put them back.

Not possible: to save a running task from SIGKILL. Huey's storages forget a task when they give it out, none has an
acknowledgement, and retries are counted by the process that is gone. The greenlet worker type is not tested.

Sources (Huey 2.5.0, 3.0.0, 3.5.4): huey/consumer.py: `Consumer.start`, `stop`, `run`, `_create_process`, `Worker.loop`,
`Scheduler.loop`; huey/api.py: `dequeue`, `execute`, `ready_to_run`, `read_schedule`; huey/storage.py.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import _attach
from ._client import client
from ._huey_gate import Consumer
from ._versions import note_version
from .job import seconds_left

# The oldest that is tested, and the first that is not.
SUPPORTED = ("2.5", "3.6")

# What Huey gets to interrupt its tasks and end, before it is killed.
INTERRUPT_SECONDS = 1.0

_OF_CONSUMER = ("huey", "stop_flag", "worker_type")
_OF_HUEY = ("dequeue", "execute", "read_schedule", "ready_to_run", "serialize_task", "storage")


def attach() -> None:
    """Attach to Huey's consumer of this process, as soon as Huey is imported."""
    _attach.claim("huey")
    _attach.when_imported("huey.consumer", _wrap_consumer)


@_attach.guard
def _wrap_consumer(module: ModuleType) -> None:
    consumer = getattr(module, "Consumer", None)
    if not hasattr(consumer, "start") or not hasattr(consumer, "stop"):
        _attach.warn(
            f"this Huey ({_version()}) is not as expected (no Consumer.start), so its tasks are not seen"
        )
        return
    note_version("Huey", _version(), SUPPORTED)
    _attach.wrap(consumer, "start", _start)
    _attach.wrap(consumer, "stop", _stop)


def _start(original: Callable[..., Any], consumer: Any, *args: Any, **kwargs: Any) -> Any:
    _install(consumer)
    return original(consumer, *args, **kwargs)


@_attach.guard
def _install(consumer: Any) -> None:
    missing = [name for name in _OF_CONSUMER if not hasattr(consumer, name)]
    missing += [name for name in _OF_HUEY if not hasattr(getattr(consumer, "huey", None), name)]
    if missing:
        _attach.warn(f"this Huey is not as expected (no {', '.join(missing)}), so its tasks are not seen")
        return
    Consumer(consumer, _version()).install()
    actions = getattr(consumer, "_signal_actions", {})
    if signal.SIGINT in actions:
        # With `-g TERM` Huey would take our INT for "interrupt everything".
        actions[signal.SIGINT] = (False, True)


def _stop(original: Callable[..., Any], consumer: Any, graceful: bool = False) -> Any:
    if graceful:
        _limit(consumer)
    return original(consumer, graceful=graceful)


@_attach.guard
def _limit(consumer: Any) -> None:
    """Let Huey interrupt its tasks by itself before we kill it (rule 7)."""
    here = client()
    if getattr(consumer, "shutdown_timeout", 0) is None and here.look().stopping:
        # Our signal may be faster than the word that tells how long there is from now on.
        here.waiting.wait(lambda: (seconds_left() or 0.0) > INTERRUPT_SECONDS, INTERRUPT_SECONDS / 2)
        left = seconds_left()
        if left is not None:
            consumer.shutdown_timeout = max(0.0, left - INTERRUPT_SECONDS)


def _version() -> str:
    return str(getattr(sys.modules.get("huey"), "__version__", ""))
