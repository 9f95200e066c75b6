"""Who may become the container's arbiter, where its place is, and how the office is taken and given back."""

from __future__ import annotations

import _thread
import os
import shutil
import signal
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from supervisor.hooks import _election, _fitness, _whereabouts
from supervisor.hooks._election import Candidate
from supervisor.hooks._office import listen, take_office
from tests.unit.hooks.conftest import StartWorker

AGENT = "http://169.254.170.2/api/0123"


@pytest.fixture(autouse=True)
def on_ecs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An environment as ECS makes it, with places of its own for what is shared by a container."""
    for name in [name for name in os.environ if name.startswith("ECS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ECS_AGENT_URI", AGENT)
    # Short, because a socket's path has to be.
    folder = Path(f"/tmp/election-{os.getpid()}")
    places = tuple(str(folder / name) for name in ("run", "shm", "tmp"))
    for place in places:
        os.makedirs(place)
    monkeypatch.setattr(_whereabouts, "PLACES", places)
    yield
    shutil.rmtree(folder)


def test_the_place_is_a_folder_of_ours_alone() -> None:
    """Nobody else may enter it, whatever the umask of the worker."""
    before = os.umask(0)
    try:
        path = Path(_whereabouts.path())
    finally:
        os.umask(before)
    assert path.name == "socket"
    assert str(path.parent.parent) == _whereabouts.PLACES[0]
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert _whereabouts.path() == str(path)


def test_containers_that_share_a_volume_do_not_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has an agent's address of its own, and so a folder of its own."""
    first = _whereabouts.path()
    monkeypatch.setenv("ECS_AGENT_URI", f"{AGENT}4")
    assert _whereabouts.path() != first


def test_users_do_not_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder's name has the user's number; one that somebody else has made is not used."""
    first = _whereabouts.path()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    # What is made now belongs to the user that we really are.
    assert _whereabouts.path() == ""
    assert any("-12345-" in name for name in os.listdir(_whereabouts.PLACES[0]))
    assert "-12345-" not in first


@pytest.mark.parametrize("trouble", ["missing", "a file", "open to all", "a link"])
def test_the_next_place_is_taken_where_one_is_no_good(trouble: str) -> None:
    """A read-only root, and a place where somebody else was first."""
    first = Path(_whereabouts.path()).parent
    first.rmdir()
    match trouble:
        case "missing":
            os.rmdir(_whereabouts.PLACES[0])
        case "a file":
            first.touch()
        case "open to all":
            first.mkdir()
            first.chmod(0o777)
        case "a link":
            first.symlink_to(_whereabouts.PLACES[2])
    assert _whereabouts.path().startswith(_whereabouts.PLACES[1])


def test_nowhere_to_meet_means_no_arbiter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a place that can be written there is nobody to connect to."""
    monkeypatch.setattr(_whereabouts, "PLACES", ("/proc",))
    assert _whereabouts.path() == ""


@pytest.mark.parametrize(
    ("variable", "value"),
    [("ECS_AGENT_URI", ""), ("ECS_SUPERVISOR_SOCKET", "none"), ("ECS_SUPERVISOR_PROTECT", "never")],
)
def test_no_place_where_no_arbiter_is_wanted(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """Outside ECS and switched off, nothing is made anywhere."""
    monkeypatch.setenv(variable, value)
    assert _whereabouts.path() == ""
    assert os.listdir(_whereabouts.PLACES[0]) == []


def test_a_supervisor_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket that is named is the one to connect to, and nobody stands for election there."""
    monkeypatch.setenv("ECS_SUPERVISOR_SOCKET", "/run/there.sock")
    assert _whereabouts.path() == "/run/there.sock"
    assert not _whereabouts.is_elected("/run/there.sock")
    _election.stand("/run/there.sock")
    assert os.listdir(_whereabouts.PLACES[0]) == []
    monkeypatch.setenv("ECS_SUPERVISOR_SOCKET", "auto")
    assert _whereabouts.is_elected(_whereabouts.path())


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"ECS_SUPERVISOR_HOLD_WAIT": "3"}, "3"),
        ({"ECS_SUPERVISOR_PROTECT": "before-start"}, "11.0"),
        ({"ECS_SUPERVISOR_PROTECT": "before-start", "ECS_SUPERVISOR_PROTECT_WAIT": "2"}, "3.0"),
        ({"ECS_SUPERVISOR_PROTECT": "before-start", "ECS_SUPERVISOR_PROTECT_WAIT": "long"}, "11.0"),
        ({"ECS_SUPERVISOR_PROTECT": "before-start", "ECS_AGENT_URI": ""}, None),
        ({"ECS_SUPERVISOR_PROTECT": "before-start", "ECS_SUPERVISOR_SOCKET": "/run/there.sock"}, None),
    ],
)
def test_a_job_waits_as_the_settings_have_it(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], seconds: str | None
) -> None:
    """Nobody has told the process how long, so it reads what a supervisor would have read."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert _whereabouts.hold_wait() == seconds


def test_the_office_is_held_by_one_process_and_ends_with_it(tmp_path: Path) -> None:
    """A second one is turned away; a child that was forked does not keep it."""
    lock = str(tmp_path / "lock")
    ready, is_ready = os.pipe()
    holder = os.fork()
    if holder == 0:
        take_office(lock)
        # Outlives the holder, with a copy of every descriptor.
        child = os.fork()
        if child != 0:
            os.write(is_ready, struct.pack("i", child))
        signal.pause()
    (child,) = struct.unpack("i", os.read(ready, 4))
    try:
        assert take_office(lock) == -1
        os.kill(holder, signal.SIGKILL)
        os.waitpid(holder, 0)
        taken = take_office(lock)
        assert taken >= 0
        os.close(taken)
    finally:
        os.kill(child, signal.SIGKILL)
        os.close(ready)
        os.close(is_ready)


def test_a_dead_arbiter_s_socket_is_replaced() -> None:
    """Its file is there and nobody listens; the new one is put in its place in one step, open to us alone."""
    path = _whereabouts.path()
    for _ in range(2):
        descriptor = listen(path)
        probe = socket.socket(socket.AF_UNIX)
        probe.connect(path)
        probe.close()
        os.close(descriptor)
    assert os.listdir(os.path.dirname(path)) == ["socket"]


def test_patched_threads_keep_a_process_out(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It says so in one line, once, and takes nothing."""
    real = _thread.start_new_thread
    monkeypatch.setattr(_thread, "start_new_thread", lambda *arguments: real(*arguments))
    candidate = Candidate()
    for _ in range(2):
        candidate.stand(_whereabouts.path())
    assert not candidate.is_arbiter
    assert os.listdir(os.path.dirname(_whereabouts.path())) == []
    said = capfd.readouterr().err
    assert "gevent" in said
    assert said.count("\n") == 1


def test_a_thread_that_cannot_be_started_gives_the_office_back(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Another process may have more room; this one does not stand again."""

    def refuse(_where: str) -> None:
        raise RuntimeError("can't start new thread")

    candidate = Candidate()
    monkeypatch.setattr(candidate, "_begin", refuse)
    candidate.stand(_whereabouts.path())
    assert not candidate.is_arbiter
    assert "no arbiter could be started" in capfd.readouterr().err
    lock = take_office(f"{os.path.dirname(_whereabouts.path())}/lock")
    assert lock >= 0
    os.close(lock)


def test_a_supervisor_of_the_same_task_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that listens in its usual place and was started with the same agent; a dead one's socket does not count."""
    path = f"{_whereabouts.PLACES[1]}/ecs-supervisor-1.sock"
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    assert not _fitness.supervisor_is_here()
    server.listen()
    # This process was started without that agent.
    assert not _fitness.supervisor_is_here()
    monkeypatch.setattr(_fitness, "_has_our_agent", lambda pid: pid == os.getpid())
    assert _fitness.supervisor_is_here()
    server.close()
    assert not _fitness.supervisor_is_here()


@pytest.mark.parametrize(
    ("error", "is_here"), [(FileNotFoundError, False), (ProcessLookupError, False), (PermissionError, True)]
)
def test_a_supervisor_that_ends_while_it_is_looked_at_is_not_there(
    monkeypatch: pytest.MonkeyPatch, error: type[OSError], is_here: bool
) -> None:
    """Only one that may not be looked at counts: it might be of this task."""

    def refuse(*_: object) -> IO[bytes]:
        raise error

    monkeypatch.setattr(_fitness, "open", refuse, raising=False)
    assert _fitness._has_our_agent(1) is is_here


@pytest.mark.parametrize(("runs", "counts"), [(b"python\0-m\0supervisor\0run\0", True), (b"nginx\0", False)])
def test_a_supervisor_of_another_user_is_known_by_its_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runs: bytes, counts: bool
) -> None:
    """Its socket is not for us; what the process of that number runs, all may read. A dead one's does not count."""
    asked = []

    def read(path: str, _mode: str) -> IO[bytes]:
        asked.append(path)
        file = tmp_path / "cmdline"
        file.write_bytes(runs)
        return file.open("rb")

    monkeypatch.setattr(_fitness, "open", read, raising=False)
    assert _fitness.runs_supervisor("1") is counts
    assert asked == ["/proc/1/cmdline"]
    monkeypatch.delattr(_fitness, "open")
    assert not _fitness.runs_supervisor("0")


def test_standing_costs_nothing_until_somebody_stands(start_worker: StartWorker) -> None:
    """What every worker imports loads nothing of the arbiter, opens nothing and starts no thread."""
    start_worker("""
import os, sys
files = os.listdir("/proc/self/fd")
import supervisor.hooks.job
assert os.listdir("/proc/self/fd") == files
assert os.listdir("/proc/self/task") == [str(os.getpid())]
assert not any(name.startswith("supervisor.") and not name.startswith("supervisor.hooks") for name in sys.modules)
""").succeeds()


def test_a_fork_waits_while_the_arbiter_is_at_work(start_worker: StartWorker) -> None:
    """Not for ever, also where a signal handler forks in the middle of another fork."""
    start_worker("""
import os, threading, _thread
from supervisor.hooks import _election
_election.FORK_WAIT_SECONDS = 0.2
candidate = _election._candidate
with candidate.at_work:
    # Nobody has stood, so there is nothing to mind.
    pid = os.fork()
    if pid == 0:
        os._exit(0 if _election._candidate is candidate else 1)
    assert os.waitpid(pid, 0)[1] == 0
_election._mind_forks()
at_work, forked = threading.Event(), threading.Event()
def work():
    with _election._candidate.at_work:
        at_work.set()
        forked.wait()
_thread.start_new_thread(work, ())
at_work.wait()
pid = os.fork()
if pid == 0:
    # A candidate of its own, whose lock nobody has.
    os._exit(0 if _election._candidate is not candidate and _election._candidate.at_work.acquire(0) else 1)
assert os.waitpid(pid, 0)[1] == 0
forked.set()
with candidate.at_work:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
""").succeeds()
