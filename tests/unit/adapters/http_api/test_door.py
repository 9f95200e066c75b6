"""What the deciding thread has of the API before anybody connects, and what becomes of it where it cannot be loaded."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from supervisor.adapters.clock import SystemClock
from supervisor.adapters.http_api.door import HttpApi
from supervisor.adapters.http_api.listen import UNIX, Entrance, open_entrance
from supervisor.adapters.http_api.means import Means
from supervisor.core.effects import Announce, Grant, Note
from supervisor.core.instants import NEVER
from supervisor.core.names import HoldId

ROOT = Path(__file__).parents[4]
PACKAGE = "supervisor.adapters.http_api"


class Stage:
    """An API that nobody serves: what it would start is kept."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "api"
        self.entrance = open_entrance(f"{UNIX}{self.path}")
        self.selector = selectors.DefaultSelector()
        self.started: list[tuple[str, Callable[[], None]]] = []
        self.has_room = True
        self.notes: list[Note] = []
        self.api = HttpApi(
            [self.entrance],
            self.selector,
            SystemClock(),
            self.start,
            self.fail,
            self.notes.append,
        )

    def start(self, *work: Any) -> None:
        if not self.has_room:
            raise RuntimeError("can't start new thread")
        self.started.append(work)

    def fail(self) -> Means:
        raise ImportError("no module named waitress")

    def turn(self) -> None:
        """Do what the loop does when something is ready."""
        for key, _ in self.selector.select(0):
            key.data()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    it = Stage(tmp_path)
    yield it
    it.selector.close()
    if is_open(it.entrance):
        os.close(it.entrance.descriptor)


def is_open(entrance: Entrance) -> bool:
    return os.path.exists(f"/proc/self/fd/{entrance.descriptor}")


def test_nothing_is_started_before_somebody_connects(stage: Stage) -> None:
    """Then it is, once; and the loop has nothing to do with it any more."""
    stage.turn()
    assert stage.started == []
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(stage.path))
        stage.turn()
        stage.turn()
        stage.api.open()
    assert [name for name, _ in stage.started] == ["api"]
    assert not stage.selector.get_map()


def test_it_can_be_opened_before_that(stage: Stage) -> None:
    """Where it is known that somebody will come, the first request need not be slow."""
    stage.api.open()
    assert [name for name, _ in stage.started] == ["api"]


def test_it_waits_until_there_is_room_for_its_thread(stage: Stage) -> None:
    """A worker that has used up the limit of processes costs the API and nothing else; it is said once, and tried again."""
    stage.has_room = False
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(stage.path))
        stage.turn()
        assert SystemClock().now() < stage.api.wake_at() < NEVER
        # What waits does not keep the loop busy meanwhile.
        assert not stage.selector.get_map()
        stage.api.wake()
        assert stage.api.wake_at() == NEVER
        stage.turn()
        stage.has_room = True
        stage.api.wake()
        stage.turn()
    assert [name for name, _ in stage.started] == ["api"]
    assert [note.name for note in stage.notes] == ["api.unavailable"]


def test_news_that_nobody_can_hear_is_no_trouble(stage: Stage) -> None:
    """Announcements and answers come whether it is served or not."""
    stage.api.announce(Announce("running", True, False, None, False))
    stage.api.answer(Grant(HoldId("api/1"), True))


def test_the_socket_is_gone_after_the_end(stage: Stage) -> None:
    """Nobody connects to a supervisor that is on its way out; closing it twice is no trouble."""
    stage.api.close()
    stage.api.close()
    assert not stage.path.exists()


def test_where_it_cannot_be_loaded_the_task_goes_on_without(stage: Stage) -> None:
    """It is said once, with what it means and what to do, and whoever connects is not kept waiting."""
    stage.api.open()
    [(_, serve)] = stage.started
    serve()
    [told] = stage.notes
    assert (told.name, dict(told.fields)["why"]) == (
        "api.unavailable",
        "ImportError: no module named waitress",
    )
    assert not stage.path.exists()
    assert not is_open(stage.entrance)


def test_the_door_itself_is_light() -> None:
    """Whatever serves requests is loaded when there is one."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {PACKAGE}.door; print(*sys.modules)"
    ran = subprocess.run((sys.executable, "-I", "-c", code), capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    served = {f"{PACKAGE}.{name}" for name in ("server", "app", "channel", "waiters", "means", "exchange")}
    assert f"{PACKAGE}.door" in loaded
    assert loaded.isdisjoint({*served, "waitress", "prometheus_client", "http", "logging", "socket"})
