"""The ports without a machine behind them, for tests of the shell: they record, and time jumps instead of passing."""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from supervisor.core.effects import Announce, Grant, Note, Refuse
from supervisor.core.events import Event, ProtectionAnswer, WorkerSpawned
from supervisor.core.instants import Instant
from supervisor.core.names import SignalName, WorkerName


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
        # Called one by one, each when the loop would have waited.
        self.asleep: list[Callable[[], object]] = []

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.waits.append(timeout)
        if not (ready := super().select(0)) and timeout:
            if self.asleep:
                self.asleep.pop(0)()
                return super().select(0)
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

    def prepared(
        self, worker: WorkerName, signal: SignalName, wakes: bool
    ) -> tuple[Callable[[], object], ...]:
        return (partial(self.stop if wakes else self.signal, worker, signal),)

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
    """Signals as a test puts them in; its descriptor is readable while there are any, a byte for each."""

    def __init__(self) -> None:
        self.came = False
        self.armed: Mapping[int, Callable[[int], bool]] = {}
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def put(self, *numbers: int) -> None:
        """Let them come while no handler in Python runs."""
        self.came = True
        os.write(self._writer, bytes(numbers))

    def deliver(self, number: int) -> bool:
        """Let one come as the interpreter does; say whether what was armed has dealt with it."""
        self.put(number)
        return number in self.armed and self.armed[number](number)

    def fileno(self) -> int:
        return self._reader

    def arm(self, actions: Mapping[int, Callable[[int], bool]]) -> None:
        self.armed = actions

    def disarm(self) -> None:
        self.armed = {}

    def take(self) -> list[int]:
        self.came = False
        self.disarm()
        try:
            return list(os.read(self._reader, 1000))
        except BlockingIOError:
            return []
