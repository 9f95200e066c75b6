"""What the shell needs from the outside, as small contracts; adapters fulfil them, tests hold both to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from .core.effects import Announce, Grant, LookAtProtection, Note, Protect, Refuse, Unprotect
from .core.events import Event, ProtectionAnswer
from .core.instants import Instant
from .core.names import HoldId, SignalName, WorkerName
from .core.snapshot import HoldView, Snapshot, Standing

if TYPE_CHECKING:
    # Most tasks have no probe and no messages, so these are loaded for those that have.
    from .core.delivery.orders import ShellOrder
    from .core.probing import Sample

T = TypeVar("T")


class Clock(Protocol):
    def now(self) -> Instant:
        """Return monotonic seconds. Cannot fail. While the machine is suspended it may stand still (clock_gettime(2))."""

    def wall(self) -> float:
        """Return seconds since the epoch, for stamps only: it may jump."""


class Workers(Protocol):
    """The processes we started, and everything that descends from them."""

    def spawn(self, worker: WorkerName) -> Event:
        """Start the worker's process. Return WorkerSpawned, or SpawnFailed with status 126 or 127; never raise."""

    def signal(self, worker: WorkerName, signal: SignalName) -> bool:
        """Send a signal to the worker (its main process, or its group if so configured).

        Return False where there is nobody to send it to any more; that is no failure.
        """

    def stop(self, worker: WorkerName, signal: SignalName) -> bool:
        """As `signal`, then wake the worker if it is stopped: a stopped process does not see the signal (signal(7))."""

    def prepared(
        self, worker: WorkerName, signal: SignalName, wakes: bool
    ) -> tuple[Callable[[], object], ...]:
        """Return calls that do what `signal` does, or `stop` (wakes), the signal first and with as little around as possible.

        They hold until a process is started or collected. Each may raise OSError where there is nobody to send it to.
        """

    def kill(self, worker: WorkerName) -> int:
        """SIGKILL the worker's group and all that descends from us, setsid or not. Return how many were alive."""

    def reap(self) -> Iterable[Event]:
        """Collect every process that has ended; the only place that may. Yield WorkerExited and OrphanReaped."""

    def sweep(self, limit: float) -> int:
        """Kill and collect until nothing is left, for at most `limit` seconds. Return how many survived."""


class Protector(Protocol):
    """Whoever can protect the task from scale-in.

    Orders are carried out one at a time, elsewhere; each is followed by exactly one ProtectionAnswer with its attempt
    number, whatever happens, within the bound that the implementation states.
    """

    def submit(self, order: Protect | Unprotect | LookAtProtection) -> None:
        """Take an order; return at once, never raise."""

    def start(self, answer: Callable[[ProtectionAnswer], None]) -> None:
        """Begin to work; answers go to this callable, from another thread."""

    def close(self) -> None:
        """Stop working. Waits for nothing."""


class Deliverer(Protocol):
    """Whoever talks to the queues and to the app.

    Orders are carried out elsewhere, many at a time; each but Forget is followed by exactly one fact, or by one for each of
    its calls, within the bound that the implementation states.
    """

    def submit(self, order: ShellOrder) -> None:
        """Take an order; return at once."""


class Hooks(Protocol):
    """The hooks that are connected to us."""

    def announce(self, news: Announce) -> None:
        """Tell all of them, and everyone who connects later. Never blocks: who does not read misses older news."""

    def answer(self, order: Grant | Refuse) -> None:
        """Answer the one that asked; if it is gone, nothing happens."""

    def close(self) -> None:
        """Remove the socket, so that nobody comes any more. Who is connected sees the end of the process."""


class Follows(Protocol):
    """Whoever wants to hear how things stand, as hooks do."""

    def announce(self, news: Announce) -> None:
        """Hear it. Never blocks, never raises: it is on the way from a stop request to the worker."""

    def close(self) -> None:
        """Stop following. Waits for nothing."""


class Sampler(Protocol):
    """One way to look at the worker from outside."""

    def look(self) -> Sample:
        """Look once, within the bound that the implementation states. May raise: then this look could not tell."""


class Probes(Follows, Protocol):
    """All the ways in which the worker is looked at; each is a holder, with one hold."""

    def start(self, post: Callable[[Event], None]) -> None:
        """Begin to look; what becomes of the holds goes to this callable, from other threads."""

    def worker_ended(self) -> None:
        """Hear that the worker's main process has ended. Waits for nothing."""

    def collected(self, pid: int, status: int) -> None:
        """Hear how another process has ended; a probe may have started it. Waits for nothing."""


class Log(Protocol):
    def write(self, note: Note, context: Sequence[tuple[str, object]]) -> None:
        """Write one line, with context fields after the note's own. Never blocks, never fails: what cannot be written is counted."""

    def flush(self, limit: float) -> None:
        """Wait until all is written, at most so many seconds."""

    @property
    def dropped(self) -> int:
        """How many lines were lost."""


class View(Protocol):
    """How things stand, for whoever is let in to look; to be used on the deciding thread only, and not to be kept."""

    def standing(self) -> Standing:
        """Return what somebody with work wants to know. Cheap."""

    def hold(self, hold: HoldId) -> HoldView | None:
        """Return one open hold; None where it has ended. Cheap."""

    def hold_count(self) -> int:
        """Return how many holds are open. Cheap."""

    def snapshot(self) -> Snapshot:
        """Return everything; takes longer the more holds are open."""


class Desk(Protocol):
    """The deciding thread, as all others may use it."""

    @property
    def lag(self) -> float:
        """How many seconds the last question waited until its turn came."""

    def post(self, event: Event) -> None:
        """Hand over a fact; returns at once."""

    def ask(self, events: Sequence[Event], look: Callable[[View], T], limit: float) -> T:
        """Have these facts decided, in this order and without any other in between; then look, and return what was seen.

        Raise TimeoutError where that has not happened within `limit` seconds; it may happen later all the same.
        """

    def ask_all(
        self, questions: Sequence[tuple[Sequence[Event], Callable[[View], T]]], limit: float
    ) -> list[T]:
        """Ask several questions at once, which costs little more than one: each looks after its own facts.

        Where a look raises, that is raised for all of them.
        """
