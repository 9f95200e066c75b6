"""The worker of a sidecar: it runs in another container, so it is never started, killed or collected here.

Rules
  1. The core is told of its end once, and only when the way out has begun: while nobody has asked us to stop, a worker that
     ends is the business of ECS, which may start it again; then it is found again.
  2. Asked to stop the worker, we send the stop signal (`stops`), or wait until ECS has stopped it (`waits`), or else report
     that it has ended, because our part is done: what follows is between ECS and the worker's own stop timeout. So it is too
     where it cannot be seen.
  3. The last order, to kill, only ends our waiting. Its time has then run out for us, but not for the worker.

The order to send a signal is carried out in a signal handler at times, so what is locked here may be locked again by the same
thread, and is locked for a few steps only.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from supervisor.config.signals import NUMBERS
from supervisor.core.effects import Announce, Level, Note, note
from supervisor.core.events import Event, SpawnFailed, WorkerExited
from supervisor.core.names import SignalName, WorkerName

# A container takes longer to start than this, and one look at all processes takes a millisecond.
_LOOK_SECONDS = 1.0

# What a shell says of a command that cannot be executed.
_NOT_EXECUTABLE = 126

# Sent to nobody: it only says whether we might.
_PROBE = 0


class Seen(Protocol):
    """A process of the worker's, as neighbours.py has it."""

    @property
    def pid(self) -> int: ...

    @property
    def descriptor(self) -> int | None: ...

    def is_alive(self) -> bool: ...

    def send(self, number: int) -> bool: ...

    def close(self) -> None: ...


class ForeignWorker:
    """Fulfils ports.Workers and ports.Follows.

    find: takes hold of the worker's main process; None where nothing of it can ever be seen from here. stops: it gets a stop
    signal from us. waits: at the end its exit is waited for. collect: yields what has ended below us, as PID 1 has to.
    """

    def __init__(
        self,
        worker: WorkerName,
        find: Callable[[], Seen | None] | None,
        stops: bool,
        waits: bool,
        collect: Callable[[], Iterable[Event]],
    ) -> None:
        self._worker = worker
        self._find = find
        self._stops = stops
        self._waits = waits
        self._collect = collect
        self._lock = threading.RLock()
        self._held: Seen | None = None
        self._is_leaving = False
        self._has_told_end = False
        self._closing = threading.Event()
        self._post: Callable[[Event], None] = _nobody
        self._tell: Callable[[Note], None] = _nobody

    def start(
        self,
        post: Callable[[Event], None],
        tell: Callable[[Note], None],
        spawn_thread: Callable[[str, Callable[[], None]], None],
    ) -> None:
        """Begin to look for the worker, where it can be seen."""
        self._post, self._tell = post, tell
        if self._find is not None:
            spawn_thread("neighbours", self._watch)

    def spawn(self, worker: WorkerName) -> Event:
        return SpawnFailed(worker, _NOT_EXECUTABLE, "ECS starts it, in its own container")

    def signal(self, worker: WorkerName, signal: SignalName) -> bool:  # noqa: ARG002
        return self._send(NUMBERS[signal])

    def stop(self, worker: WorkerName, signal: SignalName) -> bool:  # noqa: ARG002
        with self._lock:
            # Its end may come before anything is announced.
            self._is_leaving = True
            is_awaited = self._held is not None and self._waits
            if self._stops:
                # Also where it was there a moment ago: its end is told of by who waits for it.
                is_awaited = self._send(NUMBERS[signal]) and self._send(NUMBERS["CONT"])
        if not is_awaited:
            self._tell_end()
        return is_awaited

    def prepared(
        self, worker: WorkerName, signal: SignalName, wakes: bool
    ) -> tuple[Callable[[], object], ...]:
        return (partial(self.stop if wakes else self.signal, worker, signal),)

    def kill(self, worker: WorkerName) -> int:  # noqa: ARG002
        self._tell_end()
        return 0

    def reap(self) -> Iterable[Event]:
        return self._collect()

    def sweep(self, limit: float) -> int:  # noqa: ARG002
        return 0

    def announce(self, news: Announce) -> None:
        if not news.stopping or self._is_leaving:
            return
        with self._lock:
            self._is_leaving = True

    def close(self) -> None:
        # A thread that waits for the worker's end goes with the process.
        self._closing.set()

    def _send(self, number: int) -> bool:
        with self._lock:
            try:
                return self._held is not None and self._held.send(number)
            except PermissionError:
                return False

    def _tell_end(self) -> None:
        with self._lock:
            if self._has_told_end:
                return
            self._has_told_end = True
        self._post(WorkerExited(self._worker, 0))

    def _watch(self) -> None:
        while not self._closing.is_set():
            found = None if self._find is None else self._find()
            if found is None:
                self._closing.wait(_LOOK_SECONDS)
                continue
            with self._lock:
                self._held = found
            self._introduce(found)
            _wait_for_end(found)
            with self._lock:
                self._held = None
                found.close()
                is_leaving = self._is_leaving
            self._tell(note("worker.gone", worker=self._worker, pid=found.pid))
            if is_leaving:
                self._tell_end()

    def _introduce(self, found: Seen) -> None:
        """Say whom we have found, and whether we may signal it."""
        try:
            found.send(_PROBE)
        except PermissionError:
            self._tell(
                note(
                    "worker.not_ours_to_signal",
                    Level.WARNING,
                    worker=self._worker,
                    pid=found.pid,
                    so="it is told to be quiet over the socket and the API only, and ECS alone stops it",
                    fix="run both containers as the same user, or add the capability KILL to this one",
                )
            )
        else:
            self._tell(note("worker.found", worker=self._worker, pid=found.pid))


def _wait_for_end(found: Seen) -> None:
    poll = select.poll()
    if found.descriptor is not None:
        poll.register(found.descriptor, select.POLLIN)
        poll.poll()
    # Without a descriptor it can only be looked for now and then; with one it is found to have ended at once.
    while found.is_alive():
        poll.poll(_LOOK_SECONDS * 1000)


def _nobody(_: object) -> None:
    """Stand in until somebody listens."""
