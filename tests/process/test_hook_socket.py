"""The hook socket as a worker sees it: raw lines over the real thing."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.process.harness import ACTORS, ROOT, Run, actor, supervised

HOLD = '{"op":"hold","id":"1","about":"send_mail","ttl":null}'
DRAIN = ("--stop-timeout", "30", "--stop-sequence", "QUIET 20 TERM 5 KILL")


@contextmanager
def holding(*lines: str, options: tuple[str, ...] = DRAIN, as_pid_1: bool = False) -> Iterator[Run]:
    """Give a worker whose lines the supervisor has taken in."""
    with supervised(*actor("holds", *lines), options=options, as_pid_1=as_pid_1) as run:
        run.until(lambda: {"op": "pong"} in answers(run), "the supervisor has read what the worker sent")
        run.until(lambda: states(run), "the supervisor has said how things stand")
        yield run


def answers(run: Run) -> list[dict[str, object]]:
    return [json.loads(line) for line in run.output]


def states(run: Run) -> list[dict[str, object]]:
    return [answer for answer in answers(run) if answer["op"] == "state"]


@pytest.mark.parametrize("as_pid_1", [False, True], ids=["below an init", "as PID 1"])
def test_a_hold_keeps_the_drain_waiting(as_pid_1: bool) -> None:
    """A stop waits for the job that is in flight, and goes on as soon as it is released."""
    with holding(HOLD, as_pid_1=as_pid_1) as run:
        run.send(signal.SIGTERM)
        run.until_noted("task.draining")
        run.until(lambda: states(run)[-1]["stopping"], "the worker hears that it is to stop")
        assert states(run)[-1]["accepting"] is False
        left = states(run)[-1]["seconds_left"]
        assert isinstance(left, float)
        assert 0 < left <= 20
        assert "task.stopping" not in run.names()
        run.send(signal.SIGUSR1)
        assert run.status() == 0
        assert "holds.abandoned" not in run.names()


HELLO = '{"op":"hello","v":1,"about":"w1","framework":"celery","version":"5.7.0","gate":true}'


def test_a_gate_keeps_the_stop_waiting() -> None:
    """A worker whose hook keeps a gate is asked to exit only when the gate is confirmed shut, or was waited for in vain."""
    with holding(HELLO) as run:
        run.until_noted("hook.attached")
        run.send(signal.SIGTERM)
        assert run.status() == 0
        names = run.names()
        assert names.index("task.draining") < names.index("quiet.unconfirmed") < names.index("task.stopping")


def test_a_gate_that_is_shut_lets_the_stop_go_on() -> None:
    """With its word given and nothing in flight there is nothing to wait for."""
    with holding(HELLO, '{"op":"shut"}', '{"op":"reserved","count":2}') as run:
        run.until_noted("hook.attached")
        run.send(signal.SIGTERM)
        assert run.status() == 0
        assert "quiet.confirmed" in run.names()
        assert "quiet.unconfirmed" not in run.names()


def test_advice_of_a_hook_reaches_people() -> None:
    """What a hook has found in the worker's settings is a line of the log."""
    advice = '{"op":"advice","setting":"task_acks_late","why":"a killed job is lost","fix":"set it to True"}'
    with holding(HELLO, advice, '{"op":"shut"}') as run:
        run.until_noted("worker.advice")
        (line,) = [note for note in run.notes if note["event"] == "worker.advice"]
        assert (line["setting"], line["fix"], line["level"]) == (
            "task_acks_late",
            "set it to True",
            "warning",
        )


def test_a_hold_that_outlives_the_drain_is_named() -> None:
    """When the drain's time is over the job that is still in flight is named, and the worker is stopped."""
    with holding(HOLD, options=("--stop-timeout", "5", "--stop-sequence", "QUIET 0.3 TERM 2 KILL")) as run:
        run.send(signal.SIGTERM)
        assert run.status() == 0
        (abandoned,) = [note for note in run.notes if note["event"] == "holds.abandoned"]
        assert "send_mail" in str(abandoned["work"])


def test_a_killed_holder_holds_nothing() -> None:
    """The death of a holder ends its holds, although a child of its keeps the connection open."""
    script = """
import json, os, socket, sys, signal
server = socket.socket(socket.AF_UNIX)
server.connect(os.environ["ECS_SUPERVISOR_SOCKET"])
server.sendall(b'{"op":"hold","id":"1","about":"lost"}\\n')
if os.fork() == 0:
    os.set_inheritable(server.fileno(), True)
    os.execlp("sleep", "sleep", "1000")
server.recv(1000)
os.kill(os.getpid(), signal.SIGKILL)
"""
    python = actor("holds")[:4]
    worker = ("sh", "-c", '"$@"; echo holder gone; exec sleep 1000', "sh", *python[:-1], "-c", script)
    with supervised(*worker, options=DRAIN) as run:
        run.until_output("holder gone")
        run.send(signal.SIGTERM)
        assert run.status() == 143
        assert "holds.abandoned" not in run.names()


def test_malformed_lines_are_answered_and_ten_in_a_row_end_the_connection() -> None:
    """Whoever does not speak the protocol is told so, and is hung up on when it goes on."""
    with connected() as (run, server):
        lines = server.makefile("rb")
        assert json.loads(lines.readline())["op"] == "state"
        server.sendall(b"nonsense\n" * 9 + b'{"op":"ping"}\n')
        said = [json.loads(lines.readline())["op"] for _ in range(10)]
        assert said == ["problem"] * 9 + ["pong"]
        server.sendall(b"nonsense\n" * 10)
        assert [json.loads(line)["op"] for line in lines] == ["problem"] * 10
        assert run.process.poll() is None


def test_a_job_that_follows_another_in_the_same_breath_is_waited_for() -> None:
    """Between the end of one job and the begin of the next, said together, a worker is not idle, and is not stopped."""
    with connected() as (run, server):
        lines = server.makefile("rb")
        lines.readline()
        server.sendall(b'{"op":"hold","id":"1"}\n{"op":"ping"}\n')
        assert json.loads(lines.readline())["op"] == "pong"
        run.send(signal.SIGTERM)
        run.until_noted("task.draining")
        again = b'{"op":"release","id":"2"}\n{"op":"hold","id":"2"}\n'
        server.sendall(b'{"op":"release","id":"1"}\n{"op":"hold","id":"2"}\n' + again + b'{"op":"ping"}\n')
        assert [json.loads(lines.readline())["op"] for _ in range(2)] == ["state", "pong"]
        assert "task.stopping" not in run.names()
        server.sendall(b'{"op":"release","id":"2"}\n')
        assert run.status() == 0


def test_an_endless_line_ends_the_connection() -> None:
    """A line longer than 8 KiB is no line of a hook; it is answered and the connection closed."""
    with connected() as (_, server):
        lines = server.makefile("rb")
        lines.readline()
        server.sendall(b"x" * 10_000)
        assert json.loads(lines.readline())["op"] == "problem"
        # What it had not read when it closed makes this a reset instead of an end.
        with suppress(ConnectionResetError):
            assert lines.readline() == b""


def test_a_peer_that_reads_nothing_holds_up_nobody() -> None:
    """Thousands of answers that are not fetched neither stop the supervisor nor fill its memory."""
    with connected() as (run, server):
        server.setblocking(False)
        for _ in range(200):
            try:
                server.send(b'{"op":"ping"}\n' * 250)
            except BlockingIOError:
                continue
        run.send(signal.SIGTERM)
        assert run.status() == 0


def test_a_flood_of_lines_does_not_hold_up_a_stop() -> None:
    """A worker that talks without end is stopped like any other."""
    script = """
import os, socket
server = socket.socket(socket.AF_UNIX)
server.connect(os.environ["ECS_SUPERVISOR_SOCKET"])
print("ready", flush=True)
while True:
    server.sendall(b'{"op":"hold","id":"1","about":"x"}\\n{"op":"release","id":"1"}\\n' * 50)
"""
    with supervised(*actor("holds")[:1], "-c", script, options=DRAIN) as run:
        run.until_output("ready")
        run.send(signal.SIGTERM)
        run.until_noted("task.draining")
        assert run.status() in (0, 143)


def test_the_socket_is_ours_alone_and_gone_afterwards(tmp_path: Path) -> None:
    """Nobody else may connect, and nothing of it is left behind."""
    path = tmp_path / "hooks.sock"
    with connected(path) as (run, _):
        mode = path.stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
        run.send(signal.SIGTERM)
        run.status()
        assert not path.exists()


def test_the_socket_of_a_dead_supervisor_is_replaced(tmp_path: Path) -> None:
    """What a supervisor that was killed has left behind does not keep the next one from starting."""
    path = tmp_path / "hooks.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    with connected(path) as (run, _):
        run.send(signal.SIGTERM)
        assert run.status() == 0


def test_a_living_supervisors_socket_is_not_taken(tmp_path: Path) -> None:
    """Where somebody listens already nothing is started, and one sentence says so."""
    path = tmp_path / "hooks.sock"
    with connected(path) as (first, _):
        with supervised("true", options=("--socket", str(path))) as second:
            assert second.status() == 78
            assert len(second.errors) == 1
        assert first.process.poll() is None
        assert path.exists()


def test_a_file_that_is_no_socket_is_not_removed(tmp_path: Path) -> None:
    """A path that belongs to something else is left alone."""
    path = tmp_path / "precious"
    path.write_text("data")
    with supervised("true", options=("--socket", str(path))) as run:
        assert run.status() == 78
    assert path.read_text() == "data"


def test_without_a_socket_the_worker_is_told_so() -> None:
    """Its hooks must not take themselves for a worker's without a supervisor, and speak to ECS beside ours."""
    with supervised("env", options=("--socket", "none", "--api", "none")) as run:
        assert run.status() == 0
        assert [line for line in run.output if line.startswith("ECS_SUPERVISOR")] == [
            "ECS_SUPERVISOR_SOCKET=none"
        ]


@contextmanager
def connected(path: Path | None = None) -> Iterator[tuple[Run, socket.socket]]:
    """Give a supervisor with a worker that waits, and a connection from here to its socket."""
    options = () if path is None else ("--socket", str(path))
    with supervised(*actor("waits"), options=options) as run:
        run.until(lambda: run.output, "the worker is ready")
        worker = int(run.output[0].split()[1])
        environment = Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")
        (there,) = [
            each.partition(b"=")[2] for each in environment if each.startswith(b"ECS_SUPERVISOR_SOCKET=")
        ]
        server = socket.socket(socket.AF_UNIX)
        server.settimeout(10)
        server.connect(os.fsdecode(there))
        with server:
            yield run, server


def test_a_stop_does_not_overtake_a_fetch() -> None:
    """A worker that was told to fetch hears of the stop from the gate, not from TERM in the middle of its fetch."""
    # Not isolated like the other actors: it imports its hook.
    worker = (sys.executable, str(ACTORS / "fetches.py"))
    with supervised(*worker, env={"PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE) as run:
        run.until_output("fetching")
        # On a busy machine it may begin before it has been heard at all.
        run.until(lambda: any("HoldTaken" in line for line in run.journal()), "the fetch is known")
        run.send(signal.SIGTERM)
        run.until_noted("task.draining")
        run.write("a message\n")
        run.until_output("got a message")
        run.until_output("shut")
        run.status()
        # As soon as the gate is asked again the fetch is over, so these two may come in any order.
        assert run.output[:3] == ["ready", "fetching", "got a message"]
        assert sorted(run.output[3:]) == ["TERM", "shut"]
        assert "holds.abandoned" not in run.names()
