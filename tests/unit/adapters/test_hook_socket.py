"""What the hooks' socket remembers of each connection."""

from __future__ import annotations

import json
import os
import selectors
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.adapters import hook_socket
from supervisor.adapters.hook_listener import listen
from supervisor.adapters.hook_socket import HookSocket
from supervisor.core.events import Event, HoldTaken
from supervisor.core.instants import Instant


class Stage:
    """A served socket with one peer, and a clock that stands still. facts: what was made of the peer's lines."""

    def __init__(self, directory: Path) -> None:
        self.time = 0.0
        self.facts: list[Event] = []
        self.selector = selectors.DefaultSelector()
        path = str(directory / "hooks")
        self.hooks = HookSocket(listen(path).descriptor, path, self.selector, self, self.facts.append)
        self.peer = socket.socket(socket.AF_UNIX)
        self.peer.connect(path)
        self.turn()

    def now(self) -> Instant:
        return Instant(self.time)

    def wall(self) -> float:
        return self.time

    def turn(self) -> None:
        for key, _ in self.selector.select(0):
            key.data()

    def say(self, **words: object) -> None:
        self.peer.sendall(json.dumps(words).encode() + b"\n")
        self.turn()

    def taken(self) -> list[str]:
        """Return the holds that were taken, by the peer's names for them."""
        return [fact.hold.partition("/")[2] for fact in self.facts if isinstance(fact, HoldTaken)]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Give one with room for three holds."""
    monkeypatch.setattr(hook_socket, "MOST_HOLDS", 3)
    it = Stage(tmp_path)
    yield it
    it.peer.close()
    it.turn()
    it.hooks._server.close()
    it.selector.close()


def test_holds_that_have_expired_leave_room(stage: Stage) -> None:
    """A worker that lets its holds expire and releases none can take new ones for ever, but no more at a time."""
    for id_, ttl in (("a", 10), ("b", 20), ("c", None), ("d", 10)):
        stage.say(op="hold", id=id_, ttl=ttl)
    assert stage.taken() == ["a", "b", "c"]
    stage.time = 11.0
    for id_ in ("e", "f"):
        stage.say(op="hold", id=id_, ttl=100)
    assert stage.taken() == ["a", "b", "c", "e"]
    stage.say(op="refresh", id="b", ttl=100)
    stage.time = 25.0
    stage.say(op="hold", id="g", ttl=100)
    stage.say(op="release", id="c")
    stage.say(op="hold", id="h", ttl=100)
    stage.say(op="hold", id="i", ttl=100)
    assert stage.taken() == ["a", "b", "c", "e", "h"]
    stage.time = 1000.0
    stage.say(op="hold", id="j", ttl=100)
    assert stage.taken()[-1] == "j"


def test_it_leaves_descriptors_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each connection takes two, and a third of them stays free; without a limit there is one all the same."""
    for limit, most in ((90, 30), (65_536, 1000), (-1, 1000)):
        monkeypatch.setattr(os, "sysconf", lambda _, limit=limit: limit)
        assert hook_socket._most_connections() == most
