"""Ends the holds of Celery's jobs that are over although Celery does not know it yet, and counts what it has reserved.

Celery learns that a child has been killed when its loop gets to it, at times seconds later, and reads no result at all
while it tries to reach a broker that is gone. So a thread of its own looks once a second, at the kernel's word only: whether
the child that does the job lives, and whether a result lies in its pipe that nobody fetches. Two looks in a row must agree.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Iterable
from typing import Any

from . import _attach
from ._celery_gate import Gate
from ._client import client

LOOK_SECONDS = 1.0


class Watch:
    """forks: whether the jobs run in children of this process."""

    def __init__(self, worker: Any, state: Any, gate: Gate, forks: bool) -> None:
        self._worker = worker
        self._state = state
        self._gate = gate
        self._forks = forks
        self._suspects: set[Any] = set()
        self._stopping = threading.Event()

    def run(self) -> None:
        """Look again and again, for as long as this process lives."""
        while not self._stopping.wait(LOOK_SECONDS):
            self._look()
        # Celery's signal handler only sets a flag; a quiet loop sleeps on, up to two seconds, before it looks at it.
        self._worker.consumer.call_soon(int)
        pause = threading.Event()
        while not pause.wait(LOOK_SECONDS):
            self._look()

    def stop(self, **_: object) -> None:
        """Wake the loop: the worker was asked to end. In a signal handler, where its own locks must not be taken."""
        self._stopping.set()

    @_attach.guard
    def _look(self) -> None:
        try:
            active = tuple(self._state.active_requests)
            reserved = len(self._state.reserved_requests)
            # Celery counts those with an ETA since 5.7; before, they are only in its timer.
            scheduled = getattr(self._state, "scheduled_requests", None)
            waiting = len(self._gate.scheduled() if scheduled is None else scheduled)
        except RuntimeError:
            return  # a set was changed while we looked
        client().reserved(max(reserved - len(active), 0) + waiting)
        self._gate.reconcile()
        if self._forks:
            over = self._over(active)
            for request in over & self._suspects:
                self._gate.ended(request)
            self._suspects = over

    def _over(self, active: Iterable[Any]) -> set[Any]:
        answered = _readable(getattr(self._worker.pool._pool, "_fileno_to_outq", {}))
        return {each for each in active if each.worker_pid in answered or not _is_child(each.worker_pid)}


def _is_child(pid: int) -> bool:
    """Whether this is a living child of ours; one that was not collected yet lives no more."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            # The name in parentheses may hold anything, also parentheses.
            status, parent = stat.read().rpartition(b")")[2].split()[:2]
    except OSError:
        return False
    return status not in (b"Z", b"X") and int(parent) == os.getpid()


def _readable(pipes: dict[int, Any]) -> set[int]:
    """Return the children in whose pipe something lies; after a job's begin that is its result."""
    poll = select.poll()
    children = {number: child.pid for number, child in tuple(pipes.items())}
    for number in children:
        poll.register(number, select.POLLIN)
    return {children[number] for number, events in poll.poll(0) if events & select.POLLIN}
