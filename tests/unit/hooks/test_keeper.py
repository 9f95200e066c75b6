"""A framework's gate follows what the supervisor wants, and its word is given only when it is true."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from supervisor.hooks import _attach
from supervisor.hooks._client import client
from supervisor.hooks._keeper import Keeper
from tests.unit.hooks.conftest import StartWorker
from tests.unit.hooks.fake_supervisor import DRAINING, QUIET, RUNNING, FakeSupervisor
from tests.waiting import until

PREAMBLE = """
import os, signal, sys
from supervisor.hooks._client import client
from supervisor.hooks._keeper import Keeper
"""


class Framework:
    """A framework that is quiet only after so many looks."""

    def __init__(self, looks: int = 1) -> None:
        self.looks = looks
        self.calls: list[str] = []

    def shut(self) -> bool:
        self.calls.append("shut")
        self.looks -= 1
        return self.looks <= 0

    def open(self) -> None:
        self.calls.append("open")


def test_the_gate_is_shut_and_confirmed(supervisor: FakeSupervisor) -> None:
    """Shut is said after the framework's own quiet has come true, not when it was asked for."""
    framework = Framework(looks=3)
    keeper = Keeper(framework.shut, framework.open)
    keeper.start()
    keeper.start()
    supervisor.say(QUIET)
    until(lambda: supervisor.messages("shut"), why="the gate is confirmed shut")
    assert framework.calls == ["shut", "shut", "shut"]
    assert keeper.wanted_shut


def _has_said(supervisor: FakeSupervisor, what: str, times: int) -> bool:
    return len(supervisor.messages(what)) >= times


def test_the_gate_is_opened_again(supervisor: FakeSupervisor) -> None:
    """What was shut is opened when new work is welcome, and shut again when it is not."""
    framework = Framework()
    keeper = Keeper(framework.shut, framework.open)
    keeper.start()
    for state in (QUIET, RUNNING, DRAINING):
        supervisor.say(state)
        done = "opened" if state is RUNNING else "shut"
        count = len(supervisor.messages(done))
        until(partial(_has_said, supervisor, done, max(count, 1)), why=done)
    until(lambda: len(supervisor.messages("shut")) == 2, why="the second shut")
    assert framework.calls == ["shut", "open", "shut"]


def test_a_gate_that_was_only_tried_is_opened_again(supervisor: FakeSupervisor) -> None:
    """A framework that had begun to be quiet goes on when the supervisor has thought better of it."""
    framework = Framework(looks=10_000)
    keeper = Keeper(framework.shut, framework.open)
    keeper.start()
    supervisor.say(QUIET)
    until(lambda: "shut" in framework.calls, why="the first try")
    supervisor.say(RUNNING)
    until(lambda: framework.calls[-1] == "open", why="the way back")
    assert not supervisor.messages("shut")


def test_what_fails_is_no_confirmation(
    supervisor: FakeSupervisor, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A framework that has changed under us is told of once, and the worker goes on."""
    monkeypatch.setattr(_attach, "_warned", set())
    tries: list[int] = []

    def shut() -> bool:
        tries.append(1)
        raise AttributeError("consumer")

    Keeper(shut, lambda: None).start()
    supervisor.say(QUIET)
    until(lambda: len(tries) > 1, why="a second try")
    assert not supervisor.messages("shut")
    assert capfd.readouterr().err.count("AttributeError: consumer") == 1


def test_the_word_is_given_again_after_a_reconnect(supervisor: FakeSupervisor) -> None:
    """A supervisor that has lost the connection learns anew what is attached and that the gate is shut."""
    framework = Framework()
    client().introduce("w1", framework="rq", version="3.0", gated=True)
    client().reserved(3)
    client().advise("acks_late", "jobs are lost", "set it")
    Keeper(framework.shut, framework.open).start()
    supervisor.say(QUIET)
    until(lambda: supervisor.messages("shut"), why="the gate is confirmed shut")
    supervisor.greeting = QUIET
    supervisor.drop_connections()
    until(lambda: {number for number, _ in supervisor.said if number > 1}, limit=10, why="a new connection")
    until(lambda: any(m["op"] == "shut" for n, m in supervisor.said if n > 1), why="the word, again")
    again = [message for number, message in supervisor.said if number > 1]
    assert again[0] == {
        "op": "hello",
        "v": 1,
        "about": "w1",
        "framework": "rq",
        "version": "3.0",
        "gate": True,
    }
    assert {"op": "reserved", "count": 3} in again
    assert any(message["op"] == "advice" for message in again)


def test_at_the_start_the_gate_waits_for_the_first_word(absent: FakeSupervisor) -> None:
    """Before the supervisor has spoken nobody fetches, but not for long: it may never speak."""
    keeper = Keeper(lambda: True, lambda: None)
    assert keeper.wait_open(30)
    assert not client().spoken()
    absent.greeting = QUIET
    absent.start()
    until(client().spoken, limit=10, why="the supervisor's first word")
    assert not keeper.wait_open(0.01)


@pytest.mark.parametrize(
    ("state", "asked"),
    [
        (None, True),
        (QUIET, True),
        (DRAINING | {"signalled": False}, True),
        (DRAINING | {"signalled": True}, False),
        (DRAINING, False),
    ],
    ids=["working", "quiet", "draining", "asked", "not said"],
)
def test_a_worker_whose_supervisor_has_died_ends(
    state: dict[str, object] | None, asked: bool, tmp_path: Path, start_worker: StartWorker
) -> None:
    """It takes no new work and is asked to end, gracefully and once: not where the supervisor may have done that."""
    said = b"" if state is None else json.dumps(state).encode() + b"\n"
    boss = start_worker(f"""
import os, socket, subprocess, sys
path = {str(tmp_path)!r} + "/dying.sock"
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen()
code = '''{PREAMBLE}
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
keeper = Keeper(lambda: True, lambda: None, stop_signal=signal.SIGTERM)
keeper.start()
client().waiting.wait(lambda: keeper._is_orphaned, 10)
was_asked = signal.sigtimedwait([signal.SIGTERM], 1) is not None
print("asked to end", was_asked, keeper.wanted_shut, flush=True)
'''
worker = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {{"ECS_SUPERVISOR_SOCKET": path}})
connection, _ = server.accept()
connection.recv(1000)
if {said!r}:
    connection.sendall({said!r})
    while b"shut" not in connection.recv(1000): pass
os._exit(0)
""")
    assert boss.line() == f"asked to end {asked} True"
    complaint = boss.process.communicate(timeout=15)[1]
    assert "the supervisor has died" in complaint


def test_a_forked_child_keeps_a_gate_of_its_own(
    supervisor: FakeSupervisor, start_worker: StartWorker
) -> None:
    """Starting again in a child, and only that, gives it a gate and a connection."""
    worker = start_worker(
        PREAMBLE
        + """
keeper = Keeper(lambda: True, lambda: None)
client().introduce("parent", framework="x", gated=True)
keeper.start()
while not client().spoken(): client().waiting.wait(client().spoken, 1)
if os.fork() == 0:
    client().introduce("child", framework="x", gated=True)
    keeper.start()
    input()
    os._exit(0)
input()
"""
    )
    until(
        lambda: {"parent", "child"} <= {m["about"] for m in supervisor.messages("hello")},
        why="both have spoken",
    )
    supervisor.say(QUIET)
    until(lambda: len(supervisor.messages("shut")) == 2, why="both gates are shut")
    worker.process.kill()
