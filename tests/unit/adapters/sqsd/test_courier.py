"""One thread carries all deliveries, each as far as its socket lets it and no longer than its time."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import monotonic
from typing import Any

import pytest

from supervisor.adapters.beanstalk.answer import Steps
from supervisor.adapters.beanstalk.post import Wait
from supervisor.adapters.sqsd.courier import Courier
from tests.waiting import until

LONG = 30.0


def spawn(name: str, work: Callable[[], None]) -> None:
    threading.Thread(target=work, name=name, daemon=True).start()


class Arena:
    """Orders are numbers; each waits for a byte on a connection of its own. facts: in the order in which they came."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.facts: list[Any] = []
        self.far: dict[int, socket.socket] = {}
        self.seconds: dict[int, float] = {}
        self.copied: set[int] = set()
        self.courier = Courier("post", spawn, self.begin, self.facts.extend)

    def begin(self, order: int) -> Steps[Wait, Any]:
        near, self.far[order] = socket.socketpair()
        self._stack.enter_context(self.far[order])
        if order in self.copied:
            self._stack.enter_context(near.dup())
        with near:
            yield Wait(near, select.POLLOUT, monotonic() + LONG)
            try:
                yield Wait(near, select.POLLIN, monotonic() + self.seconds.get(order, LONG))
            except TimeoutError:
                return order, "late"
            except OSError as error:
                return order, type(error).__name__
            return order, near.recv(1)

    def until_facts(self, *facts: Any) -> None:
        until(lambda: self.facts == list(facts), limit=LONG, why=f"{facts}, in this order")

    def until_begun(self, *orders: int) -> None:
        until(lambda: self.far.keys() >= set(orders), limit=LONG, why="they have begun")


@pytest.fixture
def arena() -> Iterator[Arena]:
    with ExitStack() as stack:
        yield Arena(stack)


def test_each_goes_on_when_its_socket_is_ready(arena: Arena) -> None:
    """Nobody waits for one that came before; what has just ended makes room for the next, which may get its descriptor."""
    for order in (1, 2, 3):
        arena.courier.put(order)
    arena.until_begun(1, 2, 3)
    arena.far[2].send(b"b")
    arena.until_facts((2, b"b"))
    arena.courier.put(4)
    arena.until_begun(4)
    arena.far[4].send(b"d")
    arena.until_facts((2, b"b"), (4, b"d"))
    arena.far[1].send(b"a")
    arena.until_facts((2, b"b"), (4, b"d"), (1, b"a"))
    # An application that hangs up is a reason to go on as well.
    arena.far[3].close()
    arena.until_facts((2, b"b"), (4, b"d"), (1, b"a"), (3, b""))


def test_what_has_ended_is_not_heard_of_again(arena: Arena) -> None:
    """A process that is just being started has copies of all sockets for a moment, and the kernel does not take them for closed."""
    arena.copied = {1}
    arena.courier.put(1)
    arena.until_begun(1)
    arena.far[1].send(b"a")
    arena.until_facts((1, b"a"))
    arena.far[1].send(b"more")
    arena.courier.put(2)
    arena.until_begun(2)
    arena.far[2].send(b"b")
    arena.until_facts((1, b"a"), (2, b"b"))


def test_whose_time_is_up_hears_of_it_and_no_other(arena: Arena) -> None:
    """The shorter time counts, also where a longer one was known first."""
    arena.seconds = {2: 0.2, 3: 0.0}
    for order in (1, 2, 3):
        arena.courier.put(order)
    arena.until_facts((3, "late"), (2, "late"))
    arena.far[1].send(b"a")
    arena.until_facts((3, "late"), (2, "late"), (1, b"a"))


def test_a_socket_that_cannot_be_watched_is_an_answer() -> None:
    """Here because it is watched already; in life because the kernel has no room."""
    near, far = socket.socketpair()
    facts: list[str] = []

    def begin(_: int) -> Steps[Wait, str]:
        try:
            yield Wait(near, select.POLLIN, monotonic() + LONG)
        except OSError as error:
            return type(error).__name__
        return near.recv(1).decode()

    with near, far:
        courier = Courier("post", spawn, begin, facts.extend)
        courier.put(1)
        courier.put(2)
        until(lambda: facts == ["FileExistsError"], limit=LONG, why="the second has its answer")
        far.send(b"a")
        until(lambda: facts == ["FileExistsError", "a"], limit=LONG, why="the first is as it was")


def test_an_order_waits_for_a_thread_that_can_be_had(arena: Arena) -> None:
    """Where none could be started at first, the next order is the next try, and takes the one before along."""
    rooms = iter([False, True])

    def start(name: str, work: Callable[[], None]) -> None:
        if not next(rooms):
            raise RuntimeError("can't start new thread")
        spawn(name, work)

    arena.courier = Courier("post", start, arena.begin, arena.facts.extend)
    with pytest.raises(RuntimeError):
        arena.courier.put(1)
    arena.courier.put(2)
    arena.until_begun(1, 2)
    arena.far[1].send(b"a")
    arena.until_facts((1, b"a"))
