"""One connection: what waits for room, and what is said of it by then."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.hooks._link import Link
from tests.waiting import until

FILLER = b"x" * 99 + b"\n"


class Peer:
    """The other end of a link; reads when it is told to."""

    def __init__(self, path: Path) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self.link = Link(str(path), self.line_for)
        self._end, _ = self._listener.accept()
        # What is true of a hold, one answer for each time it is asked; the last one stays.
        self.truth = [b"hold\n"]

    def line_for(self, number: int) -> bytes:
        """Answer for the only hold there is."""
        assert number == 1
        return self.truth.pop(0) if len(self.truth) > 1 else self.truth[0]

    def read(self) -> list[bytes]:
        """Return all lines but the filler, up to the last one."""
        received = b""
        while not received.endswith(b"last\n"):
            received += self._end.recv(65536)
        return [line for line in received.split(b"\n")[:-2] if line != FILLER[:-1]]

    def fill(self) -> None:
        """Leave no room for a single line more."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.link._wire.send(FILLER, socket.MSG_DONTWAIT)

    def close(self) -> None:
        """Close this end."""
        self._end.close()
        self._listener.close()


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    """A link that stands, and its other end."""
    peer = Peer(tmp_path / "hooks.sock")
    yield peer
    peer.close()


def test_a_hold_said_late_is_looked_at_again(peer: Peer) -> None:
    """A hold that ended while its beginning was being said late has its end said after it."""
    peer.truth = [b"hold\n", b"release\n"]
    peer.link.tell_later((1,))
    until(lambda: peer.truth == [b"release\n"], why="the hold was looked at")
    until(lambda: not peer.link._flushing.locked(), why="all is said")
    peer.link.tell(2, b"last\n")
    assert peer.read() == [b"hold", b"release"]


def test_a_job_that_came_and_went_unsaid_leaves_nothing(peer: Peer) -> None:
    """When there was no room from a job's beginning to its end, nothing of it is said afterwards."""
    peer.fill()
    # Keeps the thread that waits for room waiting, with something else in its hands.
    peer.truth = [b"other\n"]
    peer.link.tell(1, b"other\n")
    until(peer.link._flushing.locked, why="a thread waits for room")
    peer.link.begin(2, b"hold\n")
    peer.link.end(2, b"release\n")
    assert 2 not in peer.link._unsaid


def test_an_end_that_is_owed_waits_for_room(peer: Peer) -> None:
    """When a job's beginning was said and there is no room for its end, the end is said when there is."""
    peer.link.begin(1, b"hold\n")
    peer.fill()
    peer.truth = [b"release\n"]
    peer.link.end(1, b"release\n")
    lines: list[bytes] = []
    reader = threading.Thread(target=lambda: lines.extend(peer.read()))
    reader.start()
    until(lambda: not peer.link._unsaid and not peer.link._flushing.locked(), why="all is said")
    peer.link.tell(2, b"last\n")
    reader.join()
    assert lines == [b"hold", b"release"]


def test_a_link_to_nobody_cannot_be_made(tmp_path: Path) -> None:
    """Where nobody listens, making a link fails with OSError, also for a path no socket can have."""
    for path in (tmp_path / "missing", tmp_path / ("long" * 50)):
        with pytest.raises(OSError, match=r"No such file|too long"):
            Link(str(path), lambda _: b"")


def test_sending_on_a_lost_connection_is_quiet(peer: Peer) -> None:
    """A connection that is over takes every line without complaint; the next one says what is true."""
    peer.close()
    for _ in range(3):
        peer.link.begin(1, b"hold\n")
        peer.link.end(1, b"release\n")
    assert list(peer.link.lines()) == []
