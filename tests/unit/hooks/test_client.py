"""A process as a holder: losing and finding the supervisor, threads, forks, signals, and the way out."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from supervisor.hooks import _connection
from supervisor.hooks._client import client
from supervisor.hooks.job import Job, gate, job
from tests.unit.hooks.conftest import REPOSITORY, StartWorker
from tests.unit.hooks.fake_supervisor import DRAINING, QUIET, FakeSupervisor
from tests.waiting import until

# A worker in a process of its own begins with these lines.
PREAMBLE = """
import os, signal, socket, sys, threading
from supervisor.hooks._client import client
from supervisor.hooks._lending import lending_through_exec
from supervisor.hooks.job import job, gate, stopping
def connected():
    while not client().spoken():
        client().waiting.wait(client().spoken, 1)
def sockets():
    links = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
    return [link for link in links if os.path.islink(link) and "socket:" in os.readlink(link)]
"""


def test_importing_does_nothing(supervisor: FakeSupervisor, start_worker: StartWorker) -> None:
    """Importing the hooks starts no thread, opens nothing and loads nothing but the standard library."""
    worker = start_worker("""
import os, sys
before = set(sys.modules)
files = os.listdir("/proc/self/fd")
import supervisor.hooks.job
assert os.listdir("/proc/self/fd") == files
assert os.listdir("/proc/self/task") == [str(os.getpid())]
loaded = {name for name in set(sys.modules) - before if name.split(".")[0] not in sys.stdlib_module_names}
assert {name for name in loaded if not name.startswith("supervisor.hooks")} == {"supervisor"}, loaded
assert "asyncio" not in sys.modules
assert "inspect" not in set(sys.modules) - before
""")
    worker.succeeds()
    assert supervisor.accepted == 1


@pytest.mark.usefixtures("nobody")
def test_without_a_supervisor_no_thread_is_started(start_worker: StartWorker) -> None:
    """Where no socket is named, using the hooks starts no thread."""
    worker = start_worker(
        PREAMBLE
        + "with job('alone'): assert gate.open()\nassert os.listdir('/proc/self/task') == [str(os.getpid())]"
    )
    worker.succeeds()


def test_the_first_line_introduces_the_process(absent: FakeSupervisor) -> None:
    """A process names itself before anything else, as its framework told it."""
    client().introduce("celery@host")
    absent.start()
    until(lambda: absent.said, why="its first line")
    assert absent.said[0][1] == {"op": "hello", "v": 1, "about": "celery@host"}


@pytest.mark.parametrize(
    ("path", "name"), [("/usr/bin/rq", "rq"), ("/lib/celery/__main__.py", "celery"), ("", "")]
)
def test_a_process_goes_by_its_program(
    supervisor: FakeSupervisor, start_worker: StartWorker, path: str, name: str
) -> None:
    """A process that nobody introduced goes by the name of its program, also under `python -m`."""
    start_worker(f"{PREAMBLE}\nsys.argv = [{path!r}]\nconnected()").succeeds()
    assert supervisor.messages("hello")[-1]["about"] == name


def test_a_job_runs_before_its_supervisor_listens(absent: FakeSupervisor) -> None:
    """The worker is up before the socket is: jobs run, and those still running are said when it comes."""
    with job("over"):
        pass
    with job("early"):
        absent.start()
        until(lambda: absent.open_holds() == ["early"], why="the open hold was said")
    until(lambda: absent.open_holds() == [], why="the hold has ended")
    assert [hold["about"] for hold in absent.messages("hold")] == ["early"]


def test_a_supervisor_that_comes_back_is_told_what_is_open(supervisor: FakeSupervisor) -> None:
    """After a loss the open holds are said again under the same names; those that ended meanwhile are not."""
    first, second = Job("first").begin(), Job("second").begin()
    until(lambda: len(supervisor.open_holds()) == 2, why="both are open")
    supervisor.stop()
    until(lambda: supervisor.connections == 0, why="the connection is gone")
    first.end()
    third = Job("third").begin()
    before = len(supervisor.said)
    supervisor.start()
    until(lambda: supervisor.open_holds() == ["second", "third"], why="what is open was said again")
    assert {message["about"] for _, message in supervisor.said[before:]} >= {"second", "third"}
    assert supervisor.messages("hold")[1]["id"] in {hold["id"] for hold in supervisor.messages("hold")[2:]}
    second.end()
    third.end()
    until(lambda: supervisor.open_holds() == [], why="all have ended")


def test_jobs_during_many_losses(supervisor: FakeSupervisor) -> None:
    """However often the connection breaks while jobs come and go, exactly the open ones are held."""
    with job("long"):
        with _busy(threads=3):
            for losses in range(1, 5):
                until(lambda: "long" in supervisor.open_holds(), why="the long job is held")
                supervisor.drop_connections()
                until(lambda losses=losses: supervisor.accepted > losses, why="connected")  # type: ignore[misc]
    _nothing_stays_held(supervisor)


def test_jobs_that_begin_while_connecting(supervisor: FakeSupervisor) -> None:
    """No job is missed that begins at any moment of a loss and of the connecting after it."""
    until(lambda: supervisor.connections == 1, why="connected")
    kept: list[Job] = []
    for losses in range(1, 4):
        supervisor.drop_connections()
        while supervisor.accepted <= losses:
            kept.append(Job("kept").begin())
            client().waiting.wait(lambda: False, 0.0002)
        kept.extend(Job("kept").begin() for _ in range(10))
        until(lambda: len(supervisor.open_holds()) == len(kept), why="every open job is held")
    for one in kept:
        one.end()
    _nothing_stays_held(supervisor)


def test_no_job_starves_behind_busy_ones(supervisor: FakeSupervisor) -> None:
    """A job that has to wait for room is said even while others send without pause to a slow reader."""
    supervisor.hang()
    with _busy(threads=1):
        client().waiting.wait(lambda: False, 0.2)
        with job("long"):
            supervisor.slow_down()
            until(lambda: "long" in supervisor.open_holds(), why="the long job is held")
    supervisor.wake_up()
    _nothing_stays_held(supervisor)


def test_many_threads_lose_no_job(supervisor: FakeSupervisor) -> None:
    """Of the jobs that threads begin and end at once each is said or counted, and what was said to begin is said to end."""
    # Few enough for the socket's buffer, however seldom the supervisor's thread gets to read.
    _work_in_threads(threads=8, jobs=10)
    until(lambda: _jobs(supervisor) >= 80, why="every job was said or counted")
    _nothing_stays_held(supervisor)
    assert _jobs(supervisor) == 81


def test_many_threads_and_a_slow_supervisor(supervisor: FakeSupervisor) -> None:
    """Where jobs come and go faster than the supervisor reads, lines stay whole and no hold stays open."""
    _work_in_threads(threads=8, jobs=300)
    _nothing_stays_held(supervisor)
    assert supervisor.nonsense == []
    assert supervisor.accepted == 1


def test_a_hung_supervisor_keeps_nobody_waiting(supervisor: FakeSupervisor) -> None:
    """While the supervisor reads nothing, jobs run on without waiting; waking up, it hears the truth."""
    first = Job("first").begin()
    until(lambda: supervisor.open_holds() == ["first"], why="the first job is held")
    supervisor.hang()
    longest = 0.0
    for _ in range(5000):
        began = time.monotonic()
        with job("short"):
            pass
        longest = max(longest, time.monotonic() - began)
    last = Job("last").begin()
    first.end()
    # Not a measurement: a send that waits for room would wait for ever.
    assert longest < 2.0
    supervisor.wake_up()
    until(lambda: supervisor.open_holds() == ["last"], why="it has heard the truth")
    last.end()
    until(lambda: supervisor.open_holds() == [], why="none is held")
    # A few hundred lines fit into the socket. What came and went after that has left nothing behind.
    assert len(supervisor.said) < 2000
    assert supervisor.nonsense == []
    assert supervisor.accepted == 1


def test_nonsense_from_the_supervisor_is_passed_over(supervisor: FakeSupervisor) -> None:
    """Lines that make no sense change nothing; the next sound one is heard on the same connection."""
    for line in (b"\xff\xfe", b"[1]", b"{", b"[" * 50_000, b'{"op":"granted","id":"99"}', b'{"op":"state"'):
        supervisor.send(line + b"\n")
    supervisor.send(json.dumps({"op": "refused", "id": "9" * 5000}).encode() + b"\n\n")
    supervisor.say({"op": "problem", "what": "?"})
    supervisor.say(QUIET)
    until(lambda: not gate.open(), why="the sound line was heard")
    assert supervisor.accepted == 1


def test_a_line_without_end_ends_the_connection(supervisor: FakeSupervisor) -> None:
    """A peer that sends without end is not our supervisor: the connection is given up and made anew."""
    with job("long"):
        until(lambda: supervisor.open_holds() == ["long"], why="the job is held")
        supervisor.send(b"x" * 100_000)
        until(lambda: supervisor.accepted == 2, why="connected anew")
        until(lambda: supervisor.open_holds() == ["long"], why="the job is held once, on the new connection")


def test_a_supervisor_gone_for_long_is_forgotten(
    supervisor: FakeSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate stays as it was through a short loss, and opens when nobody has spoken for long."""
    supervisor.say(QUIET)
    until(lambda: not gate.open(), why="the gate has closed")
    supervisor.stop()
    until(lambda: supervisor.connections == 0, why="the connection is gone")
    assert not gate.open()
    monkeypatch.setattr(_connection, "FORGET_SECONDS", 0.5)
    assert gate.wait_open(60)


def test_a_send_never_waits_whatever_the_default_timeout(absent: FakeSupervisor) -> None:
    """A worker that sets a default time limit for its sockets does not make sends wait for it."""
    absent.start()
    socket.setdefaulttimeout(60)
    try:
        until(client().spoken, why="connected")
    finally:
        socket.setdefaulttimeout(None)
    absent.hang()
    began = time.monotonic()
    for _ in range(1000):
        with job("short"):
            pass
    assert time.monotonic() - began < 15
    absent.wake_up()
    until(
        lambda: bool(absent.messages("release")) and absent.open_holds() == [], why="it has heard the truth"
    )


def test_a_forked_child_is_a_holder_of_its_own(supervisor: FakeSupervisor, start_worker: StartWorker) -> None:
    """A child forked in mid-job keeps no descriptor of its parent's, and says and ends its own jobs only."""
    worker = start_worker(
        PREAMBLE
        + """
connected()
inherited = job("parent's").begin()
child = os.fork()
if child == 0:
    assert not sockets()
    inherited.end()
    with job("child's"):
        input()
    os._exit(0)
print("the child's status was", os.waitpid(child, 0)[1], flush=True)
input()
inherited.end()
input()
"""
    )
    until(lambda: supervisor.open_holds() == ["child's", "parent's"], why="both are held")
    assert supervisor.connections == 3
    worker.tell()
    assert worker.line() == "the child's status was 0"
    until(lambda: supervisor.connections == 2, why="the child's connection is gone")
    assert supervisor.open_holds() == ["parent's"]
    worker.tell()
    until(lambda: supervisor.open_holds() == [], why="the parent ended its job")
    # Nobody had to connect anew: the child has not shut down its parent's connection.
    assert supervisor.accepted == 3
    worker.tell()
    worker.succeeds()


# Becomes another program, with words as these, which says the number of a child of its own.
PROGRAM = f"""
    code = "import os, subprocess; print(subprocess.Popen(['sleep', '60'], close_fds=False).pid, flush=True); input()"
    os.environ["PYTHONPATH"] = {str(REPOSITORY / "supervisor" / "attach" / "python")!r}
    words = [sys.executable, "-c", code]
"""

# All say the number of a child of their own, which keeps nothing of the connection. RQ has started its horses in all these ways.
HEIRS = {
    "fork": """client().lends = True
if True:
    if os.fork() == 0:
        grandchild = os.fork()
        if grandchild == 0:
            signal.pause()
        print(grandchild, flush=True)
        input()
        os._exit(0)
""",
    "exec": f"""with lending_through_exec(client()):
{PROGRAM}
    os.posix_spawn(sys.executable, words, os.environ)
""",
    "fork and exec": f"""with lending_through_exec(client()):
{PROGRAM}
    os.spawnve(os.P_NOWAIT, sys.executable, words, os.environ)
""",
}


@pytest.mark.parametrize("way", HEIRS)
def test_a_child_that_goes_on_with_the_work_keeps_the_connection_open(
    way: str, supervisor: FakeSupervisor, start_worker: StartWorker
) -> None:
    """Its parent's, until it ends itself; what it starts keeps nothing."""
    worker = start_worker(f"{PREAMBLE}\nconnected()\nwork = job('work').begin()\n{HEIRS[way]}\nos._exit(0)\n")
    grandchild = int(worker.line())
    worker.process.wait(timeout=15)
    assert supervisor.open_holds() == ["work"]
    assert supervisor.connections == 2
    worker.tell()
    until(lambda: supervisor.connections == 1, why="the child has gone")
    os.kill(grandchild, signal.SIGKILL)


def test_the_threads_of_a_forked_child_share_a_client(start_worker: StartWorker) -> None:
    """It is made when the first of them asks, and they may ask at once."""
    start_worker(
        PREAMBLE
        + """
sys.setswitchinterval(1e-6)
parents = client()
for _ in range(50):
    child = os.fork()
    if child == 0:
        found, begin = [], threading.Barrier(8)
        def ask():
            begin.wait()
            found.append(client())
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        os._exit(0 if {id(each) for each in found} == {id(client())} and client() is not parents else 1)
    assert os.waitpid(child, 0)[1] == 0
"""
    ).succeeds()


def test_a_forked_child_knows_what_its_parent_heard(
    supervisor: FakeSupervisor, start_worker: StartWorker
) -> None:
    """A child forked after the stop began knows that it did, before it has a connection of its own."""
    supervisor.greeting = DRAINING
    start_worker(
        PREAMBLE
        + """
connected()
child = os.fork()
if child == 0:
    os._exit(0 if stopping() else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    ).succeeds()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_multiprocessing(
    supervisor: FakeSupervisor, start_worker: StartWorker, method: str
) -> None:
    """Processes that multiprocessing starts, in any way, are holders of their own."""
    worker = start_worker(
        PREAMBLE
        + f"""
import multiprocessing
def work(event):
    with job("child's"):
        event.wait()
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    event = context.Event()
    connected()
    with job("parent's"):
        children = [context.Process(target=work, args=(event,)) for _ in range(2)]
        for child in children: child.start()
        input()
        event.set()
        for child in children: child.join()
        assert [child.exitcode for child in children] == [0, 0]
"""
    )
    until(lambda: supervisor.open_holds() == ["child's", "child's", "parent's"], why="all are held", limit=15)
    worker.tell()
    worker.succeeds()
    until(lambda: supervisor.connections == 1, why="all are gone")


def test_a_killed_process_holds_nothing(supervisor: FakeSupervisor, start_worker: StartWorker) -> None:
    """The kernel says goodbye for a process that cannot (C7)."""
    worker = start_worker(PREAMBLE + "with job('lost'): input()")
    until(lambda: supervisor.open_holds() == ["lost"], why="the job is held")
    worker.process.kill()
    until(lambda: supervisor.open_holds() == [], why="the hold ended with its process")


@pytest.mark.parametrize("hung", [False, True])
def test_the_way_out_waits_for_nothing(
    supervisor: FakeSupervisor, start_worker: StartWorker, hung: bool
) -> None:
    """A program that ends with open jobs ends, also while the supervisor hangs and lines wait for room."""
    worker = start_worker(
        PREAMBLE
        + """
connected()
left_open = job("open").begin()
input()
for _ in range(2000):
    with job("short"): pass
"""
    )
    until(lambda: supervisor.open_holds() == ["open"], why="the job is held")
    if hung:
        supervisor.hang()
    worker.tell()
    worker.succeeds()
    supervisor.wake_up()
    until(lambda: supervisor.connections == 1, why="its connection has ended")
    assert supervisor.open_holds() == []


def test_jobs_in_a_signal_handler(supervisor: FakeSupervisor, start_worker: StartWorker) -> None:
    """A signal handler may begin and end jobs of its own in the middle of any line of the hooks."""
    worker = start_worker(
        PREAMBLE
        + """
connected()
ticks = 0
def tick(*_):
    global ticks
    with job("tick"):
        ticks += 1
signal.signal(signal.SIGALRM, tick)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0005)
while ticks < 500:
    with job("short"): pass
signal.setitimer(signal.ITIMER_REAL, 0)
with job("last"):
    input()
"""
    )
    until(lambda: supervisor.open_holds() == ["last"], why="every other hold has ended")
    assert _jobs(supervisor) > 500
    worker.tell()
    worker.succeeds()


def test_time_limits_thrown_into_the_hooks(supervisor: FakeSupervisor, start_worker: StartWorker) -> None:
    """An exception thrown into any line of the hooks reaches the framework and leaves no hold behind."""
    worker = start_worker(
        PREAMBLE
        + """
class TimeLimit(Exception): pass
def throw(*_): raise TimeLimit
signal.signal(signal.SIGALRM, throw)
connected()
def work():
    while True:
        with job("limited"): pass
for turn in range(1000):
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.00005 + turn % 50 * 0.000002)
            work()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except TimeLimit:
        pass
with job("last"):
    input()
"""
    )
    until(lambda: supervisor.open_holds() == ["last"], why="every other hold has ended")
    worker.tell()
    worker.process.wait(timeout=15)


def test_a_worker_with_default_sigpipe_survives_its_supervisor(
    supervisor: FakeSupervisor, start_worker: StartWorker
) -> None:
    """A worker in which SIGPIPE has its default action does not die of a connection that broke."""
    worker = start_worker(
        PREAMBLE
        + """
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
connected()
told = threading.Event()
threading.Thread(target=lambda: (input(), told.set())).start()
while not told.is_set():
    with job("short"): pass
"""
    )
    for accepted in range(2, 7):
        until(lambda accepted=accepted: supervisor.accepted >= accepted, why="connected")  # type: ignore[misc]
        before = len(supervisor.said)
        until(lambda before=before: len(supervisor.said) > before + 10, why="jobs run")  # type: ignore[misc]
        supervisor.drop_connections()
    worker.tell()
    worker.succeeds()


def _work_in_threads(threads: int, jobs: int) -> None:
    def work() -> None:
        for _ in range(jobs):
            with job("short"):
                pass

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def _jobs(supervisor: FakeSupervisor) -> int:
    """Count the jobs that the supervisor knows of, by name or not."""
    named = {(number, message["id"]) for number, message in supervisor.said.copy() if message["op"] == "hold"}
    return len(named) + sum(int(message["count"]) for message in supervisor.messages("did"))


def _nothing_stays_held(supervisor: FakeSupervisor) -> None:
    """What is said last tells that all before it has been heard."""
    with job("last"):
        until(lambda: supervisor.open_holds() == ["last"], why="every other hold has ended")
    until(lambda: supervisor.open_holds() == [], why="none is held")


@contextlib.contextmanager
def _busy(threads: int) -> Iterator[None]:
    """Begin and end jobs without pause in so many threads."""
    finished = threading.Event()

    def work() -> None:
        while not finished.is_set():
            with job("short"):
                pass

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        finished.set()
        for worker in workers:
            worker.join()
