"""What the hooks' socket remembers of each connection."""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from supervisor.adapters import hook_socket
from supervisor.adapters.hook_listener import listen
from supervisor.adapters.hook_socket import HookSocket
from supervisor.core.events import Event, GateShut, HolderDied, HoldTaken, HookAttached, WorkReserved
from supervisor.core.instants import Instant
from tests.waiting import until

# A worker with a job that its child goes on with; says the child's number.
PARENT = """
import os, signal, socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
peer.sendall(b'{"op":"hello","v":1,"about":"rq","framework":"rq","version":"3","gate":true,"heirs":%s}\\n' % sys.argv[2].encode())
peer.sendall(b'{"op":"hold","id":"1","about":"job"}\\n')
child = os.fork()
if child:
    print(child, flush=True)
signal.pause()
"""


class Stage:
    """A served socket with one peer, and a clock that stands still. facts: what was made of the peer's lines."""

    def __init__(self, directory: Path) -> None:
        self.time = 0.0
        self.facts: list[Event] = []
        self.selector = selectors.DefaultSelector()
        self.path = path = str(directory / "hooks")
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

    def until(self, kind: type[Event]) -> None:
        """Serve until there is a fact of this kind."""

        def came() -> bool:
            self.turn()
            return kind in map(type, self.facts)

        until(came, why=kind.__name__)

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


def test_heirs_go_on_with_the_work_of_a_process_that_died(stage: Stage) -> None:
    """Nothing new begins there, what it held is held until the last of them has gone, and then all of it ends."""
    with parent(stage, heirs=True) as child:
        stage.until(GateShut)
        assert [type(fact) for fact in stage.facts] == [HookAttached, HoldTaken, GateShut, WorkReserved]
        os.kill(child, signal.SIGKILL)
        stage.until(HolderDied)


def test_whoever_keeps_a_connection_open_by_chance_is_no_heir(stage: Stage) -> None:
    """A child that was forked for something else may run for days."""
    with parent(stage, heirs=False) as child:
        stage.until(HolderDied)
        assert [type(fact) for fact in stage.facts] == [HookAttached, HoldTaken, HolderDied]
        os.kill(child, signal.SIGKILL)


@contextmanager
def parent(stage: Stage, heirs: bool) -> Iterator[int]:
    """Give the number of a process whose parent has a job and was killed."""
    words = [sys.executable, "-c", PARENT, stage.path, str(heirs).lower()]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        stage.until(HoldTaken)
        process.kill()
        process.wait()
        yield child
