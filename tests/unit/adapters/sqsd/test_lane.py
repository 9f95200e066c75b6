"""Lanes: orders of one kind, and the threads that carry them out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from supervisor.adapters.sqsd.lane import Lane
from tests.waiting import until


class Threads:
    """Counts the threads, and can have none."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.is_out = False

    def spawn(self, name: str, work: Callable[[], None]) -> None:
        if self.is_out:
            raise RuntimeError("can't start new thread")
        self.names.append(name)
        threading.Thread(target=work, name=name, daemon=True).start()


class Work:
    """Carries out orders when it is let; done: in which batches."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.begun: list[list[str]] = []
        self.done: list[list[str]] = []

    def carry_out(self, orders: list[str]) -> None:
        self.begun.append(orders)
        self.go.acquire()
        self.done.append(orders)


@pytest.fixture
def threads() -> Threads:
    return Threads()


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work()
    yield made
    made.go.release(100)


def alike(first: str, second: str) -> bool:
    return first[0] == second[0]


def test_threads_are_started_as_they_are_needed(threads: Threads, work: Work) -> None:
    """None before the first order, one more for each that would wait, no more than allowed."""
    lane: Lane[str] = Lane("post", 2, threads.spawn, work.carry_out)
    assert threads.names == []
    for order in ("a", "b", "c"):
        lane.put(order)
    until(lambda: len(work.begun) == 2, why="two are under way")
    assert threads.names == ["post-1", "post-2"]
    work.go.release(3)
    until(lambda: len(work.done) == 3, why="all are done")
    assert sorted(work.done) == [["a"], ["b"], ["c"]]


def test_a_free_thread_takes_the_next_order(threads: Threads, work: Work) -> None:
    """No second one is started for orders that follow each other."""
    lane: Lane[str] = Lane("post", 5, threads.spawn, work.carry_out)
    lane.put("a")
    work.go.release()
    until(lambda: lane.idle == 1, why="the thread is free")
    lane.put("b")
    work.go.release()
    until(lambda: work.done == [["a"], ["b"]], why="both are done")
    assert threads.names == ["post-1"]


def test_what_is_alike_is_done_in_one_go(threads: Threads, work: Work) -> None:
    """As many as may be, in their order; the others keep their places."""
    lane: Lane[str] = Lane("delete", 1, threads.spawn, work.carry_out, alike, at_once=3)
    lane.put("x")
    until(lambda: work.begun == [["x"]], why="the thread is busy")
    for order in ("a1", "b1", "a2", "a3", "a4"):
        lane.put(order)
    work.go.release(10)
    until(lambda: sum(map(len, work.done)) == 6, why="all are done")
    assert work.done == [["x"], ["a1", "a2", "a3"], ["b1"], ["a4"]]


def test_without_another_thread_those_that_are_there_do_it(threads: Threads, work: Work) -> None:
    """Where the system has no more of them, an order waits."""
    lane: Lane[str] = Lane("post", 5, threads.spawn, work.carry_out)
    lane.put("a")
    threads.is_out = True
    lane.put("b")
    work.go.release(2)
    until(lambda: len(work.done) == 2, why="both are done")
    assert threads.names == ["post-1"]


def test_without_any_thread_nothing_can_be_done(threads: Threads, work: Work) -> None:
    """Whoever gave the order hears of it."""
    threads.is_out = True
    lane: Lane[str] = Lane("post", 5, threads.spawn, work.carry_out)
    with pytest.raises(RuntimeError):
        lane.put("a")


def test_orders_gather_while_a_lane_is_busy(threads: Threads, work: Work) -> None:
    """The first one is done at once, and so are as many as go together; for fewer the pause is waited for."""
    lane: Lane[str] = Lane("delete", 2, threads.spawn, work.carry_out, alike, at_once=3, pause=60.0)
    work.go.release(10)
    lane.put("a1")
    until(lambda: work.done == [["a1"]], why="it does not wait for others")
    for order in ("a2", "a3", "a4"):
        lane.put(order)
    until(lambda: len(work.done) == 2, why="there are enough of them")
    assert work.done == [["a1"], ["a2", "a3", "a4"]]
    assert threads.names == ["delete-1"]


def test_few_that_have_gathered_are_done_after_the_pause(threads: Threads, work: Work) -> None:
    """Nobody has to come for that, also where they are not alike."""
    lane: Lane[str] = Lane("delete", 2, threads.spawn, work.carry_out, alike, at_once=3, pause=0.02)
    work.go.release(10)
    for order in ("a1", "b1", "a2", "b2", "c1"):
        lane.put(order)
    until(lambda: sum(map(len, work.done)) == 5, why="all are done")
    assert sorted(order for orders in work.done for order in orders) == ["a1", "a2", "b1", "b2", "c1"]


def test_gathered_orders_do_not_wait_for_a_call_that_hangs(threads: Threads, work: Work) -> None:
    """Another thread takes them, and what is left of them yet another."""
    lane: Lane[str] = Lane("delete", 3, threads.spawn, work.carry_out, alike, at_once=2, pause=0.02)
    for order in ("a1", "b1", "c1"):
        lane.put(order)
    until(lambda: len(work.begun) == 3, why="each kind has a thread")
    assert threads.names == ["delete-1", "delete-2", "delete-3"]
