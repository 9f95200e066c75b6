"""Huey's gate without Huey: what it does with the objects it is given, in the moments that are hard to hit from outside."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from supervisor.hooks._huey_gate import Consumer
from tests.unit.hooks.fake_supervisor import QUIET, FakeSupervisor, refuse
from tests.waiting import until


class FakeTask:
    def __init__(self, id_: str, is_ready: bool = True) -> None:
        self.id = id_
        self.name = "send"
        self.priority = None
        self.is_ready = is_ready


class FakeHuey:
    """A consumer, its Huey and its storage in one; what a dequeue brings is in `found`, what was done is in `log`."""

    worker_type = "thread"
    priority: bool | None = None

    def __init__(self, *found: Any) -> None:
        self.log: list[str] = []
        self.found = list(found)
        self.huey = self.storage = self
        self.stop_flag = threading.Event()

    def dequeue(self) -> Any:
        next_ = self.found.pop(0)
        return next_() if callable(next_) else next_

    def execute(self, task: FakeTask) -> str:
        self.log.append(f"run {task.id}")
        return "done"

    def read_schedule(self) -> list[FakeTask]:
        return []

    def ready_to_run(self, task: FakeTask) -> bool:
        return task.is_ready

    def serialize_task(self, task: FakeTask) -> str:
        return task.id

    def enqueue(self, message: str, priority: object) -> None:
        self.log.append(f"enqueue {message} {priority}")


def installed(huey: FakeHuey) -> Consumer:
    consumer = Consumer(huey, "3.5.4")
    consumer.install()
    return consumer


def test_a_task_is_held_from_the_fetch_until_it_has_run(supervisor: FakeSupervisor) -> None:
    """By its name and id."""
    huey = FakeHuey(FakeTask("7f"))
    consumer = installed(huey)
    task = huey.dequeue()
    until(lambda: supervisor.open_holds() == ["send 7f"], why="it is held")
    assert not consumer._gate().hand().is_fetching
    assert huey.execute(task) == "done"
    until(lambda: supervisor.open_holds() == [], why="it is not held any more")


def test_a_task_that_is_not_due_is_a_fetch_until_it_has_been_put_aside(supervisor: FakeSupervisor) -> None:
    """No hold, but no confirmation either, while it is in nobody's list."""
    huey = FakeHuey(FakeTask("7f", is_ready=False))
    consumer = installed(huey)
    task = huey.dequeue()
    assert consumer._gate().hand().is_fetching
    huey.execute(task)
    assert not consumer._gate().hand().is_fetching
    assert supervisor.messages("hold") == []


def test_no_gate_is_confirmed_while_another_thread_fetches(supervisor: FakeSupervisor) -> None:
    """What that fetch brings has no hold yet; this thread's own is over."""
    may_return, fetches = threading.Event(), threading.Event()

    def fetch() -> None:
        fetches.set()
        may_return.wait()

    huey = FakeHuey(FakeTask("7f"), fetch)
    here = installed(huey)._gate()
    huey.execute(huey.dequeue())
    other = threading.Thread(target=huey.dequeue)
    other.start()
    fetches.wait()
    supervisor.say(QUIET)
    until(lambda: here.keeper.wanted_shut, why="the word is heard")
    assert not here.has_no_fetch()
    assert not supervisor.messages("shut")
    may_return.set()
    other.join()
    assert here.has_no_fetch()
    until(lambda: supervisor.messages("shut"), why="it is confirmed when the fetch is over")


def test_what_comes_when_the_gate_has_shut_is_put_back(supervisor: FakeSupervisor) -> None:
    """With its own priority, and without a hold; at its stop the worker gets nothing."""
    huey = FakeHuey()
    consumer = installed(huey)

    def shut() -> FakeTask:
        supervisor.say(QUIET)
        until(lambda: consumer._gate().keeper.wanted_shut, why="the word is heard")
        huey.stop_flag.set()
        return FakeTask("7f")

    huey.found.append(shut)
    assert huey.dequeue() is None
    assert huey.log == ["enqueue 7f None"]
    assert supervisor.messages("hold") == []
    assert not consumer._gate().hand().is_fetching


@pytest.mark.usefixtures("supervisor")
def test_a_list_in_redis_has_a_front() -> None:
    """Huey takes from the right, and what is put back is the next one again."""

    class RedisList(FakeHuey):
        priority = False
        queue_key = "huey.redis.app"

        @property
        def conn(self) -> RedisList:
            return self

        def rpush(self, key: str, message: str) -> None:
            self.log.append(f"rpush {key} {message}")

    huey = RedisList()
    installed(huey)._put_back(FakeTask("7f"))
    assert huey.log == ["rpush huey.redis.app 7f"]


def test_a_refused_task_is_put_back(asked_supervisor: FakeSupervisor) -> None:
    """And nothing is held for it."""
    asked_supervisor.answer = refuse
    huey = FakeHuey()
    consumer = installed(huey)

    def last() -> FakeTask:
        huey.stop_flag.set()
        return FakeTask("7f")

    huey.found.append(last)
    assert huey.dequeue() is None
    assert huey.log == ["enqueue 7f None"]
    until(lambda: asked_supervisor.open_holds() == [], why="nothing is held")
    assert not consumer._gate().hand().is_fetching


@pytest.mark.usefixtures("supervisor")
def test_a_storage_that_fails_leaves_no_fetch_behind() -> None:
    """Huey logs the error and tries again later; a quiet need not wait for that."""

    def fail() -> FakeTask:
        raise ConnectionError

    huey = FakeHuey(fail)
    consumer = installed(huey)
    with pytest.raises(ConnectionError):
        huey.dequeue()
    assert not consumer._gate().hand().is_fetching


@pytest.mark.usefixtures("nobody")
def test_without_a_supervisor_tasks_run_as_ever() -> None:
    """Nobody is waited for."""
    huey = FakeHuey(FakeTask("7f"), None)
    installed(huey)
    huey.execute(huey.dequeue())
    assert huey.log == ["run 7f"]
    assert huey.dequeue() is None
