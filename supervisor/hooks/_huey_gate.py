"""The gate and the holds of one Huey consumer; the rules are in huey.py.

What it does with Huey's objects it does by their names: Huey is not imported here.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

from . import _attach
from ._client import client
from ._keeper import Keeper
from .job import Job

# At a shut gate, between two looks at whether the consumer wants its workers to end.
LOOK_SECONDS = 0.25
# After a refusal, before the next fetch.
REFUSED_SECONDS = 1.0


class Hand:
    """What one thread has fetched and not finished: its hold, or that a fetch goes on which no hold speaks for yet."""

    __slots__ = ("hold", "is_fetching")

    def __init__(self) -> None:
        self.hold: Job | None = None
        self.is_fetching = False

    def end(self) -> None:
        self.is_fetching = False
        hold, self.hold = self.hold, None
        if hold is not None:
            hold.end()


class Here:
    """The gate of one process, for all its worker threads. parent: the consumer's pid in a process of its, else 0."""

    def __init__(self, about: str, version: str, stop_signal: int, parent: int) -> None:
        self.client = client()
        # By thread; whoever gets the number of a thread that has ended gets its empty hand.
        self._hands: dict[int, Hand] = {}
        self.parent = parent
        self.keeper = Keeper(shut=self.has_no_fetch, open=lambda: None, stop_signal=stop_signal)
        self.has_begun = False
        self.client.introduce(about, framework="huey", version=version, gated=True)
        self.client.advise(
            "SIGKILL",
            "Huey takes a task out of its storage before it runs: one that is cut is gone, whatever its retries",
            "keep tasks shorter than the drain, or put them back in a handler of Huey's `interrupted` signal",
        )
        self.keeper.start()

    @property
    def is_orphan(self) -> bool:
        """Asked where there is a parent."""
        return os.getppid() != self.parent

    def hand(self) -> Hand:
        """Return this thread's."""
        thread = threading.get_ident()
        return self._hands.get(thread) or self._hands.setdefault(thread, Hand())

    def has_no_fetch(self) -> bool:
        """Say whether no thread may come back with a task that no hold speaks for."""
        return not any(hand.is_fetching for hand in list(self._hands.values()))


class Consumer:
    """A consumer's Huey object with its gate, in the consumer's process and in those forked from it."""

    def __init__(self, consumer: Any, version: str) -> None:
        self._consumer, self._huey = consumer, consumer.huey
        self._version = version
        self._stop_signal = getattr(consumer, "_graceful_sig", signal.SIGINT)
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._here: Here | None = None
        self._dequeue, self._execute = self._huey.dequeue, self._huey.execute
        self._read_schedule = self._huey.read_schedule

    def install(self) -> None:
        if self._consumer.worker_type == "process":
            # The main process begins no task; it listens, to end its workers if the supervisor dies.
            client().introduce("huey consumer", framework="huey", version=self._version)
            Keeper(shut=lambda: True, open=lambda: None, stop_signal=self._stop_signal).start()
        else:
            self._gate()
        self._huey.dequeue, self._huey.execute = self.dequeue, self.execute
        self._huey.read_schedule = self.read_schedule

    def dequeue(self, *args: Any, **kwargs: Any) -> Any:
        """Return the next task that may begin; None where there is none, or the worker shall look around."""
        here = self._here
        # A forked process has another client, and needs a gate of its own.
        if here is None or here.client.is_retired:
            here = self._gate()
        hand = here.hand()
        if hand.hold is not None:
            hand.end()
        if not here.has_begun:
            here.has_begun = here.keeper.wait_open(max(1.0, here.client.hold_wait))
        while not self._consumer.stop_flag.is_set():
            if here.parent and here.is_orphan:
                _leave()
            is_ours = False
            try:
                # In this order: either the keeper sees that we fetch, or we see that it wants the gate shut.
                hand.is_fetching = True
                if not here.keeper.wanted_shut:
                    task = self._dequeue(*args, **kwargs)
                    if task is None:
                        return None
                    is_ours = self._take(here, hand, task)
                    if is_ours:
                        return task
            finally:
                if not is_ours:
                    hand.end()
            here.keeper.wait_open(LOOK_SECONDS)
        return None

    def execute(self, task: Any, *args: Any, **kwargs: Any) -> Any:
        """Run the task, or do with it whatever else Huey finds right."""
        try:
            return self._execute(task, *args, **kwargs)
        finally:
            if self._here is not None:
                self._here.hand().end()

    def read_schedule(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the scheduler has to enqueue."""
        # Asked once a second, in a thread or a process that needs no gate.
        if os.getpid() != self._pid and os.getppid() != self._pid:
            _leave()
        return self._read_schedule(*args, **kwargs)

    def _gate(self) -> Here:
        with self._lock:
            here = self._here
            if here is None or here.client.is_retired:
                is_main = os.getpid() == self._pid
                whose = (self._stop_signal, 0) if is_main else (0, self._pid)
                here = self._here = Here(f"huey {_place(is_main)}", self._version, *whose)
            return here

    def _take(self, here: Here, hand: Hand, task: Any) -> bool:
        """Whether the task may begin; else it is back in the queue."""
        if here.keeper.wanted_shut or (here.parent and here.is_orphan):
            self._put_back(task)
            return False
        if not self._huey.ready_to_run(task):
            return True  # Huey will only move it to the schedule; until then the fetch goes on
        hold = hand.hold = Job(f"{task.name} {task.id}").begin()
        if hold.refused:
            self._put_back(task)
            hand.end()
            here.client.waiting.wait(lambda: here.keeper.wanted_shut, REFUSED_SECONDS)
            return False
        hand.is_fetching = False
        return True

    def _put_back(self, task: Any) -> None:
        # Not `huey.enqueue`: the task was enqueued once, and its signal and expiry shall not come twice.
        storage, message = self._huey.storage, self._huey.serialize_task(task)
        if getattr(storage, "priority", None) is False and hasattr(getattr(storage, "conn", None), "rpush"):
            storage.conn.rpush(storage.queue_key, message)
        else:
            storage.enqueue(message, task.priority)


def _leave() -> None:
    _attach.warn(f"huey {_place(False)}: the consumer has died; this process takes no more tasks and ends")
    # What ends Huey's loops, and nothing else: they log every Exception and go on.
    raise KeyboardInterrupt


def _place(is_main: bool) -> str:
    multiprocessing = sys.modules.get("multiprocessing")
    return "consumer" if is_main or multiprocessing is None else str(multiprocessing.current_process().name)
