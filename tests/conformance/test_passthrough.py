"""What is not about task protection reaches the agent as it came, and the answer comes back as it was."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from supervisor.adapters.arbitration.passthrough import Passthrough
from supervisor.adapters.http_api.exchange import Answer

PREFIX = "/agent/1"

ANSWER = (
    b"HTTP/1.1 299 Odd\r\nContent-Type: a/b\r\nX-One: 1\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\n"
    b"Content-Length: 6\r\n\r\nanswer"
)


@contextmanager
def agent(answer: bytes, seen: list[bytes]) -> Iterator[str]:
    """Take one request that ends in `!`, or in its headers; give this answer to it."""

    def serve() -> None:
        client, _ = listener.accept()
        with client:
            received = client.recv(65536)
            while not received.endswith((b"!", b"\r\n\r\n")):
                received += client.recv(65536)
            seen.append(received)
            client.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/x"
        thread.join(timeout=10)
    assert not thread.is_alive()


def passed_on(answer: bytes, environ: dict[str, str], body: bytes = b"") -> tuple[list[str], Answer, str]:
    """Return the request's lines, what came back, and where it went."""
    asked: dict[str, Any] = {"REQUEST_METHOD": "GET", "PATH_INFO": f"{PREFIX}/a"} | environ
    seen: list[bytes] = []
    with agent(answer, seen) as uri:
        given = Passthrough(uri, PREFIX).answer(asked, body)
    return seen[0].decode().splitlines(), given, uri


def test_a_request_and_its_answer_are_handed_on_unchanged() -> None:
    """Method, path, query, headers, body and status stay; what concerns one connection only does not."""
    lines, given, uri = passed_on(
        ANSWER,
        {
            "REQUEST_METHOD": "PATCH",
            "REQUEST_URI": f"{PREFIX}/fault/v1/a%2Fb?c=d%20e",
            "CONTENT_TYPE": "text/x",
            "CONTENT_LENGTH": "5",
            "HTTP_X_TWO": "2",
            "HTTP_CONNECTION": "keep-alive",
            "HTTP_HOST": "localhost",
        },
        b"body!",
    )
    host = uri.removeprefix("http://").partition("/")[0]
    assert lines[0] == "PATCH /api/x/fault/v1/a%2Fb?c=d%20e HTTP/1.1"
    assert sorted(lines[1:]) == sorted(
        [
            "",
            "body!",
            f"Host: {host}",
            "Connection: close",
            "Content-Type: text/x",
            "Content-Length: 5",
            "X-Two: 2",
        ]
    )
    assert (given.status, given.body) == (299, b"answer")
    assert dict(given.headers) == {"content-type": "a/b", "x-one": "1"}


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({"REQUEST_URI": f"http://localhost{PREFIX}/a?b"}, "GET /api/x/a?b HTTP/1.1"),
        (
            {"REQUEST_URI": "/%61gent/1/a%20b?c", "PATH_INFO": f"{PREFIX}/a b", "QUERY_STRING": "c"},
            "GET /api/x/a%20b?c HTTP/1.1",
        ),
        ({"REQUEST_URI": PREFIX, "PATH_INFO": PREFIX}, "GET /api/x HTTP/1.1"),
    ],
)
def test_however_the_path_is_written(environ: dict[str, str], line: str) -> None:
    """What follows the prefix is what follows the agent's own address."""
    assert passed_on(ANSWER, environ)[0][0] == line


def test_a_head_has_no_body_to_wait_for() -> None:
    """The length in an answer to HEAD announces nothing."""
    _, given, _ = passed_on(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", {"REQUEST_METHOD": "HEAD"})
    assert (given.status, given.body) == (200, b"")


def test_an_address_that_is_none_is_a_problem_of_the_gateway() -> None:
    """Whatever stands in ECS_AGENT_URI, nothing but these requests suffers."""
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": f"{PREFIX}/a"}
    assert Passthrough("nonsense", PREFIX).answer(environ, b"").status == 502


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n"]
)
def test_what_is_no_answer_is_a_problem_of_the_gateway(answer: bytes) -> None:
    """A peer that hangs up, speaks something else or says too much is told of as 502."""
    _, given, _ = passed_on(answer, {})
    assert given.status == 502
    assert dict(given.headers)["Content-Type"] == "application/problem+json"
