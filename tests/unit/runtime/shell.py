"""The ports without a machine behind them, for tests of the shell: they record, and time jumps instead of passing."""

from __future__ import annotations

import selectors
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from supervisor.core.effects import Announce, Grant, Note, Refuse
from supervisor.core.events import Event, ProtectionAnswer, WorkerSpawned
from supervisor.core.instants import Instant
from supervisor.core.names import SignalName, WorkerName
from supervisor.runtime.inbox import Inbox


@dataclass
class JumpingClock:
    """Monotonic seconds that pass only when a selector would have waited."""

    seconds: float = 100.0

    def now(self) -> Instant:
        return Instant(self.seconds)

    def wall(self) -> float:
        return self.seconds


class JumpingSelector(selectors.DefaultSelector):
    """Does not wait: where nothing is ready it moves the clock to the end of the time limit."""

    def __init__(self, clock: JumpingClock) -> None:
        super().__init__()
        self._clock = clock
        self.waits: list[float | None] = []

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.waits.append(timeout)
        if not (ready := super().select(0)) and timeout is not None:
            self._clock.seconds += timeout
        return ready


@dataclass
class Recorder:
    """Workers, hooks, protector and log in one: every call is a tuple in `calls`."""

    calls: list[tuple[object, ...]] = field(default_factory=list)
    survivors: int = 0
    dropped: int = 0

    def spawn(self, worker: WorkerName) -> Event:
        self.calls.append(("spawn", worker))
        return WorkerSpawned(worker, 7)

    def signal(self, worker: WorkerName, signal: SignalName) -> bool:
        self.calls.append(("signal", worker, signal))
        return True

    def stop(self, worker: WorkerName, signal: SignalName) -> bool:
        self.calls.append(("stop", worker, signal))
        return True

    def kill(self, worker: WorkerName) -> int:
        self.calls.append(("kill", worker))
        return 0

    def reap(self) -> Iterable[Event]:
        return ()

    def sweep(self, limit: float) -> int:
        self.calls.append(("sweep", limit))
        return self.survivors

    def announce(self, news: Announce) -> None:
        self.calls.append(("announce", news))

    def answer(self, order: Grant | Refuse) -> None:
        self.calls.append(("answer", order))

    def submit(self, order: object) -> None:
        self.calls.append(("submit", order))

    def start(self, answer: Callable[[ProtectionAnswer], None]) -> None:
        self.calls.append(("start", answer))

    def close(self) -> None:
        self.calls.append(("close",))

    def write(self, note: Note, context: Sequence[tuple[str, object]]) -> None:
        self.calls.append(("write", note, tuple(context)))

    def flush(self, limit: float) -> None:
        self.calls.append(("flush", limit))


class SignalList:
    """Signals as a test puts them in; its descriptor is readable while there are any."""

    def __init__(self) -> None:
        self.numbers: deque[int] = deque()
        self.came = False
        self._bell = Inbox()

    def put(self, *numbers: int) -> None:
        self.numbers += numbers
        self.came = True
        self._bell.post(WorkerSpawned(WorkerName("bell"), 0))

    def fileno(self) -> int:
        return self._bell.fileno()

    def take(self) -> list[int]:
        self.came = False
        self._bell.take()
        taken = list(self.numbers)
        self.numbers.clear()
        return taken
