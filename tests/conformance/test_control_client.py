"""The control client against the real API, and against what is none."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from supervisor.adapters.control_client import (
    Address,
    ControlClient,
    ControlError,
    ForbiddenError,
    GoneError,
    RefusedError,
    UnansweredError,
)
from supervisor.adapters.find_supervisor import parse_address
from supervisor.core.events import StopRequested
from tests.conformance.api_client import served
from tests.waiting import until


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_it_asks_over_both_kinds_of_sockets(tmp_path: Path, kind: str) -> None:
    """The state, a hold, and its end."""
    with served(tmp_path) as api:
        client = ControlClient(parse_address(getattr(api, kind)))
        assert client.ask("GET", "/v1/status")["phase"] == "running"
        assert client.ask("PUT", "/v1/holds/a", {"about": "mail"})["about"] == "mail"
        assert client.ask("DELETE", "/v1/holds/a")["accepting"] is True


def test_a_refusal_is_a_sentence(tmp_path: Path) -> None:
    """What happened and what to do, as the supervisor says them."""
    with served(tmp_path) as api:
        api.arena.desk.post(StopRequested("SIGTERM"))
        until(lambda: api.arena.standing().stopping, why="the stop has begun")
        with pytest.raises(
            RefusedError, match="the task is being stopped; leave this work in the queue"
        ) as told:
            ControlClient(parse_address(api.unix)).ask("PUT", "/v1/holds/a", {"wait": 0})
        assert told.value.status == 409


@pytest.mark.parametrize(("token", "allowed"), [("", False), ("wrong", False), ("secret", True)])
def test_steering_may_need_a_token(tmp_path: Path, token: str, allowed: bool) -> None:
    """Without the right one it is not done, and that is told apart from everything else."""
    (tmp_path / "token").write_text("secret\n")
    with served(tmp_path, token_file=tmp_path / "token") as api:
        client = ControlClient(parse_address(api.tcp), token)
        if allowed:
            assert client.ask("POST", "/v1/quiet", {})["phase"] == "quiet"
        else:
            with pytest.raises(ForbiddenError, match="needs the token"):
                client.ask("POST", "/v1/quiet", {})
        assert api.arena.standing().accepting is not allowed


def test_nobody_listens(tmp_path: Path) -> None:
    """A socket that is not there, and a port that is closed, mean that the supervisor has gone."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for address in (Address(str(tmp_path / "api"), "", 0), Address("", "127.0.0.1", port)):
        with pytest.raises(GoneError, match=f"^no supervisor listens at {address}$"):
            ControlClient(address).ask("GET", "/v1/status")


def test_a_supervisor_that_hangs_is_waited_for_no_longer_than_said(tmp_path: Path) -> None:
    """It listens, so it has not gone, and it does not answer."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "api"))
        server.listen()
        with pytest.raises(UnansweredError, match=r"does not answer \(timed out\)") as told:
            ControlClient(Address(str(tmp_path / "api"), "", 0)).ask("GET", "/v1/status", answer_seconds=0.1)
        assert not isinstance(told.value, GoneError)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "is no supervisor"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<p>", "is no supervisor"),
        (b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n", "says: status 503"),
        (b"HTTP/1.1 301 X\r\nContent-Length: 0\r\n\r\n", "says: status 301"),
        (b"SSH-2.0-x\r\n", "does not answer"),
    ],
)
def test_what_is_no_supervisor_is_told(answer: bytes, said: str) -> None:
    """Whatever listens at that port, the caller gets a sentence."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_answer, args=(server, answer))
        thread.start()
        with pytest.raises(ControlError, match=said):
            ControlClient(Address("", *server.getsockname())).ask("GET", "/v1/status")
        thread.join()


def test_an_answer_without_a_body_is_an_empty_object() -> None:
    """204 says nothing but that it was done."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_answer, args=(server, b"HTTP/1.1 204 No Content\r\n\r\n"))
        thread.start()
        assert ControlClient(Address("", *server.getsockname())).ask("DELETE", "/v1/holds/a") == {}
        thread.join()


def _answer(server: socket.socket, answer: bytes) -> None:
    client, _ = server.accept()
    with client:
        client.recv(65_536)
        client.sendall(answer)
