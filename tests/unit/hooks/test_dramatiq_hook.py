"""What the hook for Dramatiq does where it does not fit; what it does where it fits is tested with the real thing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from supervisor.hooks import _attach
from supervisor.hooks import dramatiq as hook


@pytest.fixture(autouse=True)
def nothing_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_attach, "_warned", set())


def test_a_version_without_what_it_needs_is_left_alone(capfd: pytest.CaptureFixture[str]) -> None:
    """One line, however often it is tried, and no attribute is touched."""
    worker = type("Worker", (), {"start": lambda self: None, "stop": lambda self, timeout: None})
    thread = type("WorkerThread", (), {})
    module = SimpleNamespace(Worker=worker, WorkerThread=thread)
    before = dict(vars(worker))
    for _ in range(2):
        hook._patch(module)
    said = capfd.readouterr().err
    assert (
        said
        == "ecs-supervisor: this version of Dramatiq is not known to its hook; the worker runs as without it\n"
    )
    assert vars(worker) == before


def test_a_module_that_is_another_is_left_alone(capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing of it is there."""
    hook._patch(SimpleNamespace())
    assert capfd.readouterr().err.count("\n") == 1


def test_the_range_that_was_tested_is_in_order() -> None:
    """The oldest tested, and the first that is not."""
    oldest, first_untested = (tuple(map(int, each.split("."))) for each in hook.SUPPORTED)
    assert oldest < first_untested


class FakeThread(threading.Thread):
    """A thread of Dramatiq's: ends `late` seconds after it was told to."""

    def __init__(self, late: float = 0.0) -> None:
        super().__init__()
        self._told = threading.Event()
        self._late = late

    def run(self) -> None:
        self._told.wait()
        threading.Event().wait(self._late)

    def stop(self) -> None:
        self._told.set()


class FakeWorker:
    """worker_timeout: in milliseconds, as Dramatiq has it."""

    def __init__(self, *consumers: FakeThread, worker_timeout: int = 0) -> None:
        self.workers = [FakeThread()]
        self.consumers = dict(enumerate(consumers))
        self.worker_timeout = worker_timeout

    @property
    def threads(self) -> list[FakeThread]:
        return [*self.workers, *self.consumers.values()]

    def alive(self) -> list[FakeThread]:
        return [each for each in self.threads if each.is_alive()]


@contextmanager
def told_to_end(worker: FakeWorker, deadline: float | None) -> Iterator[None]:
    """What Dramatiq has called when its end begins."""
    for each in worker.threads:
        each.start()
    attached = hook._Attached(worker)
    attached.deadline = deadline
    attached.wait_for_jobs()
    yield
    for each in worker.threads:
        each.stop()
        each.join()


def test_a_consumer_has_ended_before_dramatiq_closes_it() -> None:
    """Dramatiq would wait for half a second; a consumer takes twice that to see that it is to end."""
    worker = FakeWorker(FakeThread(late=0.9), FakeThread(late=0.8), FakeThread(late=0.7), worker_timeout=1000)
    with told_to_end(worker, deadline=time.monotonic() + 30.0):
        assert worker.alive() == []


def test_a_consumer_that_does_not_end_does_not_keep_the_process() -> None:
    """Its connection may hang: what is in this process goes back to the queue all the same."""
    hangs = FakeThread(late=4.0)
    worker = FakeWorker(hangs, FakeThread())
    with told_to_end(worker, deadline=time.monotonic() + 30.0):
        assert worker.alive() == [hangs]


def test_who_has_chosen_a_limit_has_dramatiqs_own_end() -> None:
    """Nothing is told to end before its time."""
    worker = FakeWorker(FakeThread())
    with told_to_end(worker, deadline=None):
        assert worker.alive() == worker.threads
