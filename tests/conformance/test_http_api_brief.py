"""Requests that are answered on the thread that reads them: whatever else is on their connection, and however it ends."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from supervisor.runtime.desk import Desk
from tests.conformance.api_client import Served, served
from tests.waiting import until

# Together more than the kernel keeps on both sides for somebody who does not read.
MANY = 3000

CONNECTIONS = 10


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as it:
        yield it


def words(method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
    """Return a request in one piece."""
    lines = (f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers, "", "")
    return "\r\n".join(lines).encode() + body


def statuses(connection: socket.socket, expected: int) -> list[int]:
    """Read so many answers, to the last byte; return their statuses."""
    found, rest = list[int](), b""
    while len(found) < expected:
        head, end, after = rest.partition(b"\r\n\r\n")
        length = next(
            (int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length: ")), 0
        )
        if end and len(after) >= length:
            found.append(int(head[9:12]))
            rest = after[length:]
        else:
            received = connection.recv(65536)
            assert received, "it was hung up on"
            rest += received
    assert rest == b""
    return found


def test_requests_that_come_together_are_answered_in_order(api: Served) -> None:
    """Also where some of them take longer, and are served by another thread."""
    requests = (
        words("PUT", "/v1/holds/1"),
        words("PUT", "/v1/holds/1", b'{"wait": 0.01}'),
        words("GET", "/v1/holds/1"),
        words("GET", "/v1/status"),
        words("DELETE", "/v1/holds/1"),
        words("GET", "/v1/holds/1"),
        words("GET", "/v1/accepting"),
        words("PUT", "/v1/holds/2", b'{"ttl": -1}'),
        words("GET", "/livez"),
    )
    with api.raw() as connection:
        connection.sendall(b"".join(requests))
        assert statuses(connection, len(requests)) == [201, 200, 200, 200, 200, 404, 200, 400, 200]


def test_answers_wait_for_a_peer_that_does_not_read(api: Served) -> None:
    """None is lost and none is doubled; others are served meanwhile."""
    with api.raw(api.unix) as connection:
        connection.settimeout(0.1)
        request = words("GET", "/v1/holds/none", b"", "X: " + "x" * 1000)
        sent, requests = 0, request * MANY
        while sent < len(requests):
            try:
                sent += connection.send(requests[sent:])
            except TimeoutError:
                # What is not read stops what is written.
                break
        assert sent < len(requests)
        assert api.ask("GET", "/livez").status == 200
        connection.settimeout(10)
        whole = sent // len(request)
        connection.shutdown(socket.SHUT_WR)
        answered = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answered.count(b"HTTP/1.1 404 ") == whole


def test_what_was_said_before_the_end_of_a_connection_counts(api: Served) -> None:
    """A client that says that its job is done and exits at once has said it."""
    for address in (api.unix, api.tcp):
        assert api.ask("PUT", "/v1/holds/1").status == 201
        with api.raw(address) as connection:
            connection.sendall(words("DELETE", "/v1/holds/1"))
        until(lambda: api.arena.hold("api/1") is None, why="it has been heard")


def test_who_says_so_is_hung_up_on(api: Served) -> None:
    """The answer says it too; whoever asks for no body gets none."""
    with api.raw() as connection:
        connection.sendall(words("HEAD", "/livez", b"", "Connection: close"))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert (lines[0], body) == (b"HTTP/1.1 200 OK", b"")
    assert {b"Connection: close", b"Content-Length: 14", b"Cache-Control: no-store"} <= set(lines)
    assert any(line.startswith(b"Date: ") and line.endswith(b" GMT") for line in lines)


def test_many_at_once_are_asked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came while the deciding thread was busy has one wait in common, and each gets its own answer."""
    asked: list[int] = []
    real = Desk.ask_all

    def ask_all(desk: Desk, questions: Sequence[Any], limit: float) -> list[Any]:
        asked.append(len(questions))
        return real(desk, questions, limit)

    with served(tmp_path) as api, ExitStack() as stack:
        connections = [stack.enter_context(api.raw()) for _ in range(CONNECTIONS)]
        first, *others = connections
        for each in connections:
            each.sendall(words("GET", "/livez"))
            assert statuses(each, 1) == [200]
        monkeypatch.setattr(Desk, "ask_all", ask_all)

        def busy(_: object) -> None:
            first.sendall(words("PUT", "/v1/holds/0"))
            until(lambda: len(asked) == 2, why="the first waits for this thread, which answers this question")
            for number, each in enumerate(others):
                each.sendall(words("PUT" if number % 2 else "GET", f"/v1/holds/{number}"))

        api.arena.desk.ask((), busy, 10)
        assert statuses(first, 1) == [201]
        assert [statuses(each, 1)[0] for each in others] == [200, *[201, 404] * 4]
        assert asked == [1, 1, len(others)]


def test_a_deciding_thread_that_does_not_answer_is_told_to_all(
    api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has said something does not know whether it counts; who was refused by then is refused."""

    def late(*_: object) -> list[Any]:
        raise TimeoutError

    monkeypatch.setattr(Desk, "ask_all", late)
    with api.raw() as connection:
        for request, status in (
            (words("PUT", "/v1/holds/1"), 503),
            (words("GET", "/v1/holds/1"), 503),
            (words("PUT", "/v1/holds/1", b"[]"), 400),
        ):
            connection.sendall(request)
            assert statuses(connection, 1) == [status]
