"""What each probe sees, on files, locks, sockets and servers of our own; processes of others are in tests/process."""

from __future__ import annotations

import contextlib
import fcntl
import http.server
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from supervisor.adapters.probes.children import Children
from supervisor.adapters.probes.family import NOBODY, Family
from supervisor.adapters.probes.file import File
from supervisor.adapters.probes.http import Http
from supervisor.adapters.probes.lock import Lock
from supervisor.adapters.probes.prober import Prober
from supervisor.adapters.probes.sockets import Sockets
from supervisor.adapters.probes.statuses import Statuses
from supervisor.adapters.probes.title import Title
from supervisor.adapters.probes.watch import Watch
from supervisor.config.probes import KINDS, ProbeSpec
from supervisor.core.effects import Announce, Note
from supervisor.core.events import Event, HoldReleased, HoldTaken
from supervisor.core.instants import Instant
from supervisor.core.probing import Busy, Idle, ProbePolicy, Sample, Unknown
from tests.waiting import until

RUNNING = Announce("running", True, False, None, False)
DRAINING = Announce("draining", False, True, 20.0, False)


class Clock:
    """Seconds that pass only when a test lets them."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> Instant:
        return Instant(self.seconds)

    def wall(self) -> float:
        return 0.0


def test_a_file_is_work_while_it_exists(tmp_path: Path) -> None:
    """A folder that is missing has no files; one that may not be looked into says nothing."""
    path = tmp_path / "busy"
    probe = File(str(path))
    assert probe.look() == Idle()
    path.touch()
    assert probe.look() == Busy(str(path))
    assert File(f"{path}/below").look() == Idle()
    assert isinstance(File("/x" * 3000).look(), Unknown)


@pytest.mark.parametrize("take", [fcntl.flock, fcntl.lockf])
def test_a_lock_is_work_while_it_is_held(tmp_path: Path, take: object) -> None:
    """Both kinds of lock, and looking takes none away."""
    path = tmp_path / "lock"
    probe = Lock(str(path))
    assert probe.look() == Idle()
    with path.open("w") as file:
        assert probe.look() == Idle()
        take(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[operator]
        assert probe.look() == Busy(f"{path} (process {os.getpid()})")
        take(file, fcntl.LOCK_UN)  # type: ignore[operator]
        assert probe.look() == Idle()


def test_the_lock_of_another_file_is_not_taken_for_it(tmp_path: Path) -> None:
    """Files are told apart by device and inode, not by name."""
    with (tmp_path / "other").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        (tmp_path / "lock").touch()
        assert Lock(str(tmp_path / "lock")).look() == Idle()
        (tmp_path / "link").symlink_to(tmp_path / "other")
        assert isinstance(Lock(str(tmp_path / "link")).look(), Busy)


def test_a_connection_counts_only_where_the_worker_has_it() -> None:
    """Ours are not the worker's, but what waits to be accepted on its port might be."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        probe = Sockets(port, set())
        assert probe.look() == Idle()
        with socket.create_connection(("127.0.0.1", port)):
            assert probe.look() == Busy(f"1 connection(s) with port {port}")
            accepted, _ = server.accept()
            with accepted:
                assert probe.look() == NOBODY


@contextmanager
def answering(status: int, body: bytes = b"") -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path.startswith("/busy")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/busy"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "kind"), [(200, Busy), (204, Idle), (404, Unknown), (503, Unknown)])
def test_a_status_says_busy_idle_or_nothing(status: int, kind: type[Sample]) -> None:
    """A server in trouble is not an idle one."""
    with answering(status) as url:
        assert isinstance(Http(url).look(), kind)


@pytest.mark.parametrize(
    ("body", "field", "kind"),
    [
        (b'{"busy": 2}', "busy", Busy),
        (b'{"busy": 0}', "busy", Idle),
        (b'{"jobs": [{"running": true}]}', "jobs.0.running", Busy),
        (b'{"jobs": []}', "jobs", Idle),
        (b'{"jobs": []}', "jobs.0", Unknown),
        (b'{"jobs": 1}', "jobs.running", Unknown),
        (b"{}", "busy", Unknown),
        (b"busy", "busy", Unknown),
    ],
)
def test_a_field_of_the_answer_says_it(body: bytes, field: str, kind: type[Sample]) -> None:
    """True, above 0 and not empty is busy; a field that is not there says nothing."""
    with answering(200, body) as url:
        assert isinstance(Http(f"{url}#{field}").look(), kind)


def test_a_server_that_is_not_there_says_nothing() -> None:
    """Neither does an answer that is no success where a field is wanted."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert isinstance(Http(f"http://127.0.0.1:{port}/").look(), Unknown)
    with answering(500, b'{"busy": 0}') as url:
        assert isinstance(Http(f"{url}#busy").look(), Unknown)


def test_an_answer_that_never_ends_says_nothing() -> None:
    """A byte now and then would keep every single read in its limit; all of them together have one."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                while not threading.Event().wait(0.2):
                    connection.sendall(b"H")

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        assert isinstance(Http(f"http://127.0.0.1:{server.getsockname()[1]}/").look(), Unknown)
        thread.join(10)
        assert not thread.is_alive()


def test_the_query_of_an_address_is_asked_for() -> None:
    """Such a page may need a token."""
    with answering(200, b'{"busy": 1}') as url:
        assert isinstance(Http(f"{url}?token=secret&all=1#busy").look(), Busy)
    assert isinstance(Http("http://127.0.0.1:nonsense/").look(), Unknown)


def test_a_status_that_comes_before_the_number_is_known_is_not_lost() -> None:
    """A command may end before the thread that started it has its number."""
    statuses = Statuses()

    def start() -> int:
        statuses.add(7, 1)
        statuses.add(8, 0)
        return 7

    assert statuses.of(start, 5.0) == (7, 1)
    assert statuses.of(lambda: 8, 0.01) == (8, None)


def test_statuses_are_not_kept_for_nobody() -> None:
    """Orphans end for as long as a task runs."""
    statuses = Statuses()
    statuses.add(7, 0)
    assert statuses.of(lambda: 7, 0.01) == (7, None)


def test_a_worker_that_cannot_be_seen_is_not_idle() -> None:
    """What probes look at are the processes below us; where there is none to be seen they cannot tell."""
    assert Family(set()).members() == []
    assert Title("x", lambda: Family(set())).look() == NOBODY
    assert Children("", lambda: Family(set())).look() == NOBODY


class Scripted:
    """Looks that a test has written; the last one goes on for ever."""

    def __init__(self, *looks: Sample | Exception) -> None:
        self._looks = list(looks)

    def look(self) -> Sample:
        look = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        if isinstance(look, Exception):
            raise look
        return look


@contextmanager
def watching(
    sampler: Scripted, clock: Clock, settle: float = 0.0
) -> Iterator[tuple[Watch, list[Event], list[Note]]]:
    posted, told = list[Event](), list[Note]()
    watch = Watch(
        ProbePolicy("probe:test", settle),
        lambda: sampler,
        0.01,
        clock,
        posted.append,
        told.append,
        lambda: True,
    )
    thread = threading.Thread(target=watch.work, daemon=True)
    thread.start()
    yield watch, posted, told
    watch.close()
    thread.join(10)
    assert not thread.is_alive()


def test_a_watch_holds_from_the_first_moment() -> None:
    """Before its thread has looked for the first time a stop has to wait."""
    with watching(Scripted(Idle()), Clock()) as (_, posted, _told):
        assert isinstance(posted[0], HoldTaken)
        assert posted[0].fetching


def test_a_watch_that_hears_of_the_quiet_looks_at_once() -> None:
    """Whoever waits for it does not wait for its next turn."""
    with watching(Scripted(Idle()), Clock()) as (watch, posted, _):
        watch.announce(False)
        until(lambda: isinstance(posted[-1], HoldReleased), why="it lets go")


def test_a_watch_hears_that_nothing_is_left() -> None:
    """When the worker has ended it looks whether any process is left, and lets go of what it held."""
    with watching(Scripted(Busy("a job")), Clock(), settle=60) as (watch, posted, _):
        until(lambda: len(posted) == 2, why="it has seen the job")
        watch.worker_ended()
        until(lambda: isinstance(posted[-1], HoldReleased), why="it lets go")


def test_a_look_that_raises_could_not_tell() -> None:
    """A defect or an accident in one look ends neither the thread nor the belief."""
    clock = Clock()
    with watching(Scripted(ValueError("broken")), clock) as (watch, _, told):
        clock.seconds = 10.0
        watch.announce(False)
        clock.seconds = 20.0
        watch.announce(True)
        until(lambda: told, why="it says that it is blind")
        assert dict(told[0].fields)["why"] == "ValueError: broken"


def test_every_kind_can_be_made(tmp_path: Path) -> None:
    """Each is started by its name, hears what it needs to hear, and ends when it is closed."""
    arguments = {"title": "x", "command": "true", "http": "http://127.0.0.1:9/", "cpu": "50", "sockets": "9"}
    specs = [
        ProbeSpec(kind, arguments.get(kind, str(tmp_path / kind)), f"probe:{kind}", 0.0) for kind in KINDS
    ]
    threads, told, posted = list[threading.Thread](), list[Note](), list[Event]()

    def spawn(name: str, work: object) -> None:
        threads.append(threading.Thread(target=work, name=name, daemon=True))  # type: ignore[arg-type]
        threads[-1].start()

    prober = Prober(specs, Clock(), spawn, told.append)
    prober.start(posted.append)
    assert [thread.name for thread in threads] == [spec.name for spec in specs]
    prober.announce(RUNNING)
    prober.announce(DRAINING)
    prober.worker_ended()
    prober.collected(1, 0)
    prober.close()
    for thread in threads:
        thread.join(15)
        assert not thread.is_alive()
    assert {event.holder for event in posted if isinstance(event, HoldTaken)} >= {"probe:file", "probe:title"}
