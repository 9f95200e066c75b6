"""Who wants to hear at once hears at once, and leaves when it likes."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from supervisor.adapters.http_api import server, waiters
from supervisor.adapters.http_api.means import Patience
from supervisor.core.events import QuietRequested, ResumeRequested, StopRequested
from tests.conformance.api_arena import Arena
from tests.conformance.api_client import Served, served
from tests.waiting import until

LONG_WAIT_SECONDS = 60


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as it:
        yield it


def waiting(api: Served) -> int:
    """Count the threads that wait for news."""
    return sum(each._waiting for each in api.api._hooks if isinstance(each, waiters.Waiters))


def wait_for(api: Served, count: int) -> None:
    until(lambda: waiting(api) == count, why=f"{count} wait for news")


class Listener:
    """A client of the stream: reads one event after another."""

    def __init__(self, api: Served) -> None:
        self.socket = api.raw()
        self.socket.sendall(b"GET /v1/events HTTP/1.0\r\nHost: localhost\r\n\r\n")
        self._lines = self.socket.makefile("rb")
        until(self._lines.readline, why="the head is sent")
        while self._lines.readline().strip():
            pass

    def event(self) -> Any:
        """Return the data of the next event."""
        for line in self._lines:
            if line.startswith(b"data: "):
                return json.loads(line[6:])
        return None

    def close(self) -> None:
        self._lines.close()
        self.socket.close()


def test_a_long_poll_is_answered_when_the_answer_changes(api: Served) -> None:
    """A worker that waits to be allowed to fetch, or to be told not to, hears of it in the same moment."""
    with api.connected(api.tcp) as client:
        for fact, status in (
            (QuietRequested("x"), 503),
            (ResumeRequested("x"), 200),
            (StopRequested("x"), 503),
        ):
            client.request("GET", f"/v1/accepting?wait={LONG_WAIT_SECONDS}")
            wait_for(api, 1)
            api.arena.desk.post(fact)
            answer = client.getresponse()
            assert (answer.status, json.loads(answer.read())["accepting"]) == (status, status == 200)
    wait_for(api, 0)


def test_a_long_poll_that_knows_less_is_answered_at_once(api: Served) -> None:
    """Whoever says what it believes misses no change between two questions."""
    assert api.ask("GET", f"/v1/accepting?wait={LONG_WAIT_SECONDS}&was=false").status == 200
    assert waiting(api) == 0


def test_a_long_poll_ends_in_time(api: Served) -> None:
    """Without a change the answer is the same as before, after as long as was asked for."""
    began = time.monotonic()
    assert api.ask("GET", "/v1/accepting?wait=0.1&was=true").status == 200
    assert time.monotonic() - began >= 0.1


@pytest.mark.parametrize("query", ["wait=-1", "wait=61", "wait=soon", "wait=nan", "was=maybe", "was=1"])
def test_a_question_that_makes_no_sense_is_refused(api: Served, query: str) -> None:
    """Not guessed at: a worker that waited for nothing would poll in a tight loop."""
    assert api.ask("GET", f"/v1/accepting?{query}").status == 400


def test_the_stream_tells_every_change(api: Served) -> None:
    """The first event says how things are, the others what they have become."""
    listener = Listener(api)
    assert listener.event() == {
        "phase": "running",
        "accepting": True,
        "stopping": False,
        "seconds_left": None,
        "protected": False,
    }
    api.arena.desk.post(QuietRequested("x"))
    assert listener.event()["phase"] == "quiet"
    api.ask("PUT", "/v1/holds/1")
    assert listener.event()["protected"] is True
    api.arena.desk.post(StopRequested("x"))
    last = listener.event()
    assert (last["phase"], last["stopping"], last["seconds_left"] > 0) == ("draining", True, True)
    listener.close()
    wait_for(api, 0)


def test_a_stream_gives_signs_of_life(tmp_path: Path) -> None:
    """A comment now and then keeps what is between from closing a silent connection, and finds out a lost peer."""
    with served(tmp_path, patience=Patience(alive=0.02)) as api:
        listener = Listener(api)
        assert listener.event()["accepting"]
        assert next(line for line in listener._lines if line.startswith(b":")) == b": still here\n"
        # What comes after the request keeps the hang-up from being seen.
        listener.socket.sendall(b"GET /livez HTTP/1.1\r\n\r\n" * 3)
        listener.close()
        wait_for(api, 0)


def test_the_head_of_the_stream_can_be_asked_for(api: Served) -> None:
    """And nobody waits for anything afterwards."""
    with api.connected() as client:
        assert client.ask("HEAD", "/v1/events").headers["Content-Type"] == "text/event-stream"
    wait_for(api, 0)


@pytest.mark.parametrize("path", ["/v1/accepting?wait=60", "/v1/events"])
def test_who_hangs_up_is_not_waited_for(api: Served, path: str) -> None:
    """A lost client costs its thread no longer than it was there."""
    lost = api.raw()
    lost.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    wait_for(api, 1)
    lost.close()
    wait_for(api, 0)


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_who_has_said_all_it_wants_to_say_is_still_answered(api: Served, kind: str) -> None:
    """`nc` closes its half after the request; that is no reason to give it no answer."""
    for path, status in (("/livez", b"200"), ("/v1/status", b"200"), ("/v1/accepting?wait=60", b"200")):
        with api.raw(getattr(api, kind)) as half:
            half.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            half.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: half.recv(65536), b""))
        assert received[9:12] == status


def test_those_who_wait_take_nothing_from_the_others(api: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many may wait as there is room for, the next is told so, and short requests are served as before."""
    monkeypatch.setattr(waiters, "MOST_WAITING", server._THREADS + 2)
    listeners = [Listener(api) for _ in range(waiters.MOST_WAITING)]
    wait_for(api, waiters.MOST_WAITING)
    for path in ("/v1/events", "/v1/accepting?wait=60"):
        refused = api.ask("GET", path)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    for path in ("/v1/status", "/livez", "/v1/accepting"):
        assert api.ask("GET", path).status == 200
    for listener in listeners:
        listener.close()
    wait_for(api, 0)


def test_a_hold_for_which_there_is_no_room_to_wait_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer comes at once and says that it is not granted yet: nothing is lost, and nothing is begun."""
    monkeypatch.setattr(waiters, "MOST_WAITING", 0)
    arena = Arena(before_start=True, grants=False, wait=60)
    with served(tmp_path, arena) as api:
        told = api.ask("PUT", "/v1/holds/1", {"wait": LONG_WAIT_SECONDS})
        assert (told.status, told.json["granted"]) == (201, False)
        assert arena.hold("api/1") is not None


def test_the_end_of_the_supervisor_ends_every_wait(tmp_path: Path) -> None:
    """Nobody waits for one that is gone: connections are closed, and new ones find nobody."""
    with served(tmp_path) as api:
        listener = Listener(api)
        assert listener.event()["accepting"]
        api.api.close()
        assert listener.event() is None
        listener.close()
        with pytest.raises(OSError, match=r"refused|No such file"):
            api.raw(api.unix)
