"""The way out without an engine, on ports that only record."""

from __future__ import annotations

from collections.abc import Iterable

from supervisor.adapters.clock import SystemClock
from supervisor.core.events import Event, OrphanReaped, WorkerExited
from supervisor.core.instants import after
from supervisor.core.names import SignalName, WorkerName
from supervisor.runtime.crash import report, stop_without_engine
from tests.unit.runtime.shell import Recorder, SignalList

WEB = WorkerName("web")
TERM = SignalName("TERM")
CHILD_ENDED = 17


class Workers(Recorder):
    """Whose worker ends when it is looked at for the third time, or was never there."""

    def __init__(self, there: bool = True, ends: bool = True) -> None:
        super().__init__()
        self._there = there
        self._ends = ends
        self._looks = 0

    def stop(self, worker: WorkerName, signal: SignalName) -> bool:
        super().stop(worker, signal)
        return self._there

    def reap(self) -> Iterable[Event]:
        self._looks += 1
        return (WorkerExited(WEB, 0),) if self._ends and self._looks == 3 else (OrphanReaped(9, 0),)


def stopped(workers: Workers, signals: SignalList, stop_signal: SignalName | None, seconds: float) -> None:
    clock = SystemClock()
    stop_without_engine(workers, WEB, stop_signal, after(clock.now(), seconds), 0.5, signals, clock)


def test_the_worker_is_asked_and_waited_for() -> None:
    """It gets its stop signal once, and what is left is swept when it has ended; signals meanwhile are taken and ignored."""
    workers, signals = Workers(), SignalList()
    # Without taking them the wait would not wait; with them there are two looks before the third.
    signals.put(CHILD_ENDED)
    stopped(workers, signals, TERM, 0.2)
    assert workers.calls == [("stop", WEB, TERM), ("sweep", 0.5)]
    assert signals.take() == []


def test_a_worker_that_was_asked_already_is_not_asked_again() -> None:
    """Many kinds take a second stop signal for an order to drop everything, so it is only looked for."""
    workers = Workers()
    stopped(workers, SignalList(), None, 0.2)
    assert workers.calls == [("stop", WEB, SignalName("CONT")), ("sweep", 0.5)]


def test_a_worker_that_is_gone_is_not_waited_for() -> None:
    """Where there is no worker the rest is swept at once."""
    workers = Workers(there=False)
    stopped(workers, SignalList(), TERM, 1000)
    assert workers.calls == [("stop", WEB, TERM), ("sweep", 0.5)]


def test_a_worker_that_does_not_end_is_swept_in_time() -> None:
    """When the promised time is over the rest is swept."""
    workers = Workers(ends=False)
    stopped(workers, SignalList(), TERM, 0.05)
    assert workers.calls == [("stop", WEB, TERM), ("sweep", 0.5)]


def test_the_report_has_traceback_and_journal() -> None:
    """A defect is reported with where it is and what led to it."""
    said = list[str]()
    try:
        raise RuntimeError("a defect for the test")
    except RuntimeError as error:
        report(error, ("one", "two"), said.append)
    text = "".join(said)
    assert "test_crash.py" in text
    assert "RuntimeError: a defect for the test" in text
    assert text.endswith("one\ntwo\n")


def test_a_report_that_fails_does_not_end_the_way_out() -> None:
    """If the journal itself is broken, that is said and nothing raised."""
    said = list[str]()
    report(RuntimeError("first"), (1 / 0 for _ in "x"), said.append)  # type: ignore[misc]
    assert said[-1].startswith("the report failed as well: ZeroDivisionError")
