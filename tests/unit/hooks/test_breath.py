"""Jobs that come fast are said a breath later, and the supervisor never takes their process for idle meanwhile."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator

import pytest

from supervisor.hooks import _breath
from supervisor.hooks._breath import Breath
from tests.waiting import until

THREADS = 4
MOST_JOBS = 10_000


class Heard:
    """Stands in for a link: what the supervisor knows after every line."""

    def __init__(self) -> None:
        self.open: dict[str, str] = {}
        self.named: set[str] = set()
        self.counted = 0
        self.has_room = True

    def begin(self, _number: int, line: bytes) -> None:
        self._take(line)

    tell = end = begin

    def tell_all(self, lines: Iterable[tuple[int, int, bytes]], also: bytes = b"") -> bool:
        if self.has_room and also:
            self._take(also)
        for _, _, line in lines:
            self._take(line)
        return self.has_room

    def is_owed(self, _number: int) -> bool:
        return True

    def _take(self, line: bytes) -> None:
        message = json.loads(line)
        match message["op"]:
            case "hold":
                self.named.add(message["id"])
                self.open[message["id"]] = message["about"]
            case "release":
                self.open.pop(message["id"], None)
            case "did":
                self.counted += message["count"]


class Worker:
    """Begins and ends jobs as a client does."""

    def __init__(self) -> None:
        self.heard = Heard()
        self.holds: dict[int, str | bytes] = {}
        self.breath = Breath(self.heard, self.holds)  # type: ignore[arg-type]
        self.was_taken_for_idle = 0
        self._numbers = iter(range(1, 10**9))

    def begin(self, about: str) -> int:
        number = next(self._numbers)
        self.holds[number] = about
        self.breath.begin(number, about)
        return number

    def end(self, number: int) -> None:
        del self.holds[number]
        self.breath.end(number)

    def run(self, seconds: float = 0.0) -> None:
        number = self.begin("short")
        if seconds:
            threading.Event().wait(seconds)
        self.was_taken_for_idle += not self.heard.open
        self.end(number)

    def run_until(self, happened: Callable[[], bool]) -> None:
        """Run short jobs, one after another."""
        for _ in range(MOST_JOBS):
            self.run(0.0005)
            if happened():
                return
        raise AssertionError("it did not happen")

    def breathe(self) -> None:
        """Run jobs until they are heard in breaths."""
        self.run_until(lambda: self.breath._notes_begins)

    @property
    def known(self) -> int:
        return len(self.heard.named) + self.heard.counted


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def _threads_meet_anywhere() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_a_job_that_has_come_and_gone_can_stand_in(worker: Worker) -> None:
    """Short jobs do not let go of the interpreter before they end, so none of them could be caught while it runs."""

    class Meanwhile(threading.Event):
        def wait(self, _timeout: float | None = None) -> bool:
            worker.run()
            return False

    worker.breath._start(Meanwhile())
    assert worker.breath._notes_begins
    assert (len(worker.heard.open), worker.holds) == (1, {}), "it runs over there, and nowhere else"
    worker.breath.rest()
    assert worker.heard.open == {}


def test_where_nothing_begins_nothing_stands_in(worker: Worker) -> None:
    """Neither does a job of before, whose end may have been said already."""
    number = worker.begin("long")
    worker.breath._start(threading.Event())
    assert not worker.breath._notes_begins
    worker.breath.rest()
    worker.end(number)
    assert worker.heard.open == {}


def test_a_job_after_a_rest_is_said_at_once(worker: Worker) -> None:
    """Begin and end, on the job's own thread, and no other thread is started for it."""
    threads = threading.active_count()
    number = worker.begin("mail")
    assert worker.heard.open == {"1": "mail"}
    worker.end(number)
    assert worker.heard.open == {}
    assert threading.active_count() == threads


def test_a_few_jobs_are_all_named(worker: Worker) -> None:
    """However fast they come, each is told by its name where there are few."""
    for _ in range(_breath.FAST_JOBS):
        worker.run(0.0005)
    assert len(worker.heard.named) == _breath.FAST_JOBS


def test_fast_jobs_are_counted_and_none_is_lost(worker: Worker) -> None:
    """Every job is named or counted once, and in the end nothing is held."""
    worker.breathe()
    for _ in range(1000):
        worker.run()
    worker.breath.rest()
    assert worker.known == next(worker._numbers) - 1
    assert worker.heard.counted > 0
    assert worker.heard.open == {}


@pytest.mark.usefixtures("_threads_meet_anywhere")
def test_a_worker_is_never_taken_for_idle_while_a_job_runs(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However its breaths begin and end among many threads' jobs, something is held while one of them runs."""
    # So that many breaths begin and end in a short time, and threads meet anywhere.
    monkeypatch.setattr(_breath, "BREATH_SECONDS", 0.0002)
    lock, done = threading.Lock(), threading.Event()
    idle: list[int] = []
    numbers = iter(range(1, 10**9))

    def work() -> None:
        while not done.is_set():
            with lock:
                number = next(numbers)
            worker.holds[number] = "short"
            worker.breath.begin(number, "short")
            if not worker.heard.open:
                idle.append(number)
            worker.end(number)
            if number % 10 == 0:
                done.wait(0.0005)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    until(lambda: worker.heard.counted > 5000 or idle, limit=30, why="many jobs were counted")
    done.set()
    for thread in threads:
        thread.join()
    worker.breath.rest()
    assert idle == []
    assert worker.heard.open == {}
    assert worker.known == next(numbers) - 1


def test_a_job_that_lasts_is_said_among_fast_ones(worker: Worker) -> None:
    """It is named a breath after its begin, by its latest name, and its end is heard when nothing more begins."""
    worker.breathe()
    number = worker.begin("found")
    worker.breath.rename(number, "report")
    worker.holds[number] = "report"
    worker.run_until(lambda: "report" in worker.heard.open.values())
    worker.end(number)
    until(lambda: worker.heard.open == {}, why="all has ended")
    assert worker.was_taken_for_idle == 0


def test_the_breath_ends_when_nothing_begins(worker: Worker) -> None:
    """Its thread ends; the next job is said at once."""
    worker.breathe()
    until(lambda: not worker.breath._speaking.locked(), why="the thread has ended")
    number = worker.begin("mail")
    assert list(worker.heard.open.values()) == ["mail"]
    worker.end(number)


def test_at_rest_all_is_said_at_once_until_it_is_welcome_again(worker: Worker) -> None:
    """Also where jobs come fast: somebody waits for the last one's end."""
    worker.breathe()
    running = worker.begin("mail")
    worker.breath.rest()
    assert "mail" in worker.heard.open.values()
    worker.end(running)
    assert worker.heard.open == {}
    for _ in range(50):
        number = worker.begin("short")
        assert str(number) in worker.heard.open
        worker.end(number)
        assert worker.heard.open == {}
    worker.breath.welcome()
    worker.breathe()
    worker.breath.rest()


def test_what_was_counted_without_room_is_counted_later(worker: Worker) -> None:
    """A count that could not be said is part of the next."""
    worker.breathe()
    worker.heard.has_room = False
    for _ in range(100):
        worker.run()
    worker.breath.rest()
    before = worker.known
    worker.heard.has_room = True
    worker.breath.rest()
    assert worker.known == next(worker._numbers) - 1 > before
