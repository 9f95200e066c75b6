"""The delivery of a request to web applications that answer well, late, in parts, wrongly or not at all."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

import pytest

from supervisor.adapters.beanstalk.health import why_unready
from supervisor.adapters.beanstalk.post import Answered, Patience, Unanswered, post
from supervisor.adapters.beanstalk.request import Request, make_check
from supervisor.core.delivery.facts import Failure
from tests.sqs.peer import Behave, Client, Peer

PATIENT = Patience(connect=5.0, inactivity=5.0, total=10.0)
SHORT = 0.3

BODY = "{'é': 1}".encode()
REQUEST = Request(
    "POST",
    "/work",
    (("Host", b"localhost"), ("Content-Length", str(len(BODY)).encode()), ("Connection", b"close")),
    BODY,
)
OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = b"Content-Length: 0\r\n\r\n"


def deliver(
    behave: Behave, patience: Patience = PATIENT, request: Request = REQUEST
) -> tuple[Answered | Unanswered, list[bytes]]:
    """Return how the delivery ended, and what the application has received."""
    with Peer(behave) as peer:
        outcome = post(request, "127.0.0.1", peer.port, patience)
    return outcome, peer.requests


def saying(*parts: bytes, pause: float = 0.0) -> Behave:
    """Read the request, answer with these parts, and close."""

    def behave(client: Client) -> None:
        client.read_request()
        client.say(*parts, pause=pause)

    return behave


def silent(client: Client) -> None:
    client.read_request()
    client.over.wait(10)


def reset_after(count: int) -> Behave:
    """Read at most so many bytes, and end the connection as it ends for a process that is killed."""

    def behave(client: Client) -> None:
        client.connection.recv(count)
        client.reset()

    return behave


def test_the_request_goes_over_the_wire_as_it_is() -> None:
    """Head and body, and nothing added."""
    _, received = deliver(saying(OK + EMPTY))
    assert received == [
        b"POST /work HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nConnection: close\r\n\r\n" + BODY
    ]


@pytest.mark.parametrize(
    "answer",
    [
        OK + EMPTY,
        OK + b"Content-Length: 5\r\n\r\nhello",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX: y\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n",
        OK + b"Connection: close\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + EMPTY,
        OK + b"Content-Length: 3000000\r\n\r\n" + b"x" * 3_000_000,
    ],
    ids=[
        "empty",
        "counted",
        "chunked",
        "trailer",
        "chunked to the end",
        "until the end",
        "old",
        "after continue",
        "large",
    ],
)
def test_an_answer_may_be_framed_in_any_way(answer: bytes) -> None:
    """Its body is read to the end and thrown away."""
    outcome, _ = deliver(saying(answer))
    assert isinstance(outcome, Answered)
    assert (outcome.status, outcome.retry_after) == (200, None)
    assert 0 < outcome.took < PATIENT.total


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 400, 403, 404, 429, 500, 503])
def test_every_status_is_an_answer(status: int) -> None:
    """What it means is decided elsewhere; a redirect is not followed."""
    head = f"HTTP/1.1 {status} X\r\nLocation: /elsewhere\r\n".encode()
    outcome, received = deliver(saying(head + (b"\r\n" if status == 204 else EMPTY)))
    assert isinstance(outcome, Answered)
    assert outcome.status == status
    assert len(received) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("999999999", 43_200.0),
        ("9" * 5_000, 43_200.0),
        ("-1", None),
        ("1.5", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("", None),
        ("²", None),
    ],
)
def test_whole_seconds_of_retry_after_are_told(text: str, seconds: float | None) -> None:
    """At most as many as a message can stay invisible; dates are not read."""
    head = b"HTTP/1.1 503 X\r\nRetry-After: " + text.encode() + b"\r\n"
    outcome, _ = deliver(saying(head + EMPTY))
    assert isinstance(outcome, Answered)
    assert outcome.retry_after == seconds


def test_nobody_listens() -> None:
    """The application has not heard of the message."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    outcome = post(REQUEST, "127.0.0.1", port, PATIENT)
    assert isinstance(outcome, Unanswered)
    assert outcome.kind is Failure.REFUSED


@pytest.mark.parametrize("is_asked", [True, False])
def test_nobody_is_not_taken_for_the_application(monkeypatch: pytest.MonkeyPatch, is_asked: bool) -> None:
    """At a port where nobody listens the kernel may connect a socket with itself; it would answer with our own request."""

    def connect_with_itself(*_arguments: object) -> socket.socket:
        itself = socket.socket()
        itself.bind(("127.0.0.1", 0))
        itself.connect(itself.getsockname())
        return itself

    monkeypatch.setattr(socket, "create_connection", connect_with_itself)
    outcome = post(REQUEST, "127.0.0.1", 1, PATIENT)
    assert isinstance(outcome, Unanswered)
    assert outcome.kind is Failure.REFUSED
    assert "refused" in (why_unready(CHECK if is_asked else None, "127.0.0.1", 1, PATIENT) or "")


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 70 + ".example", ""])
def test_a_host_that_has_no_address_is_as_good_as_none(host: str) -> None:
    """Also a name that cannot be one."""
    outcome = post(REQUEST, host, 1, PATIENT)
    assert isinstance(outcome, Unanswered)
    assert outcome.kind is Failure.REFUSED


def test_an_application_without_room_is_given_up_in_time() -> None:
    """Its backlog is full, so the connection is never taken; the application has not heard of the message."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(server.getsockname())
        outcome = post(REQUEST, "127.0.0.1", server.getsockname()[1], replace(PATIENT, connect=SHORT))
        for each in waiting:
            each.close()
    assert isinstance(outcome, Unanswered)
    assert outcome.kind is Failure.CONNECT_TIMEOUT
    assert outcome.took >= SHORT * 0.9


@pytest.mark.parametrize(
    "behave",
    [
        silent,
        saying(OK, b"X: y\r\n", pause=2.0),
        saying(OK + b"Content-Length: 5\r\n\r\nh", b"ello", pause=2.0),
    ],
    ids=["silent", "in the head", "in the body"],
)
def test_an_application_that_falls_silent_is_given_up(behave: Behave) -> None:
    """At any point; its job may still be running."""
    outcome, _ = deliver(behave, replace(PATIENT, inactivity=SHORT))
    assert isinstance(outcome, Unanswered)
    assert outcome.kind is Failure.INACTIVE
    assert SHORT * 0.9 <= outcome.took < PATIENT.total


def test_every_sign_of_life_starts_the_inactivity_anew() -> None:
    """Altogether this answer takes longer than the application may be silent."""
    parts = [OK, b"X: y\r\n", b"Content-Length: 3\r\n", b"\r\n", b"a", b"b", b"c"]
    outcome, _ = deliver(saying(*parts, pause=0.2), replace(PATIENT, inactivity=0.8))
    assert isinstance(outcome, Answered)
    assert outcome.took > 0.8


def test_an_answer_without_end_is_given_up() -> None:
    """A little at a time it would keep the message for ever."""

    def drip(client: Client) -> None:
        client.read_request()
        client.say(OK + b"Connection: close\r\n\r\n")
        while not client.over.wait(0.02):
            client.say(b"x")

    outcome, _ = deliver(drip, Patience(connect=5.0, inactivity=5.0, total=SHORT))
    assert isinstance(outcome, Unanswered)
    assert outcome.kind is Failure.INACTIVE


def test_an_application_that_reads_nothing_is_given_up() -> None:
    """A large message does not fit into the socket, so it is stuck in sending."""
    large = replace(REQUEST, body=b"x" * 20_000_000)
    outcome, _ = deliver(lambda client: void(client.over.wait(10)), replace(PATIENT, inactivity=SHORT), large)
    assert isinstance(outcome, Unanswered)
    assert outcome.kind is Failure.INACTIVE


def void(_: object) -> None:
    """Make a statement of an expression."""


@pytest.mark.parametrize(
    "behave",
    [
        lambda client: void(client.read_request()),
        reset_after(1),
        saying(OK),
        saying(OK + b"Content-Length: 5\r\n\r\nhell"),
        saying(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel"),
        saying(b"220 smtp.example.com ESMTP\r\n"),
        saying(b"\x16\x03\x01\x02\x00\x01\x00"),
        saying(b"HTTP/1.1 OK\r\n\r\n"),
        saying(b"HTTP/1.1 2000 OK\r\n\r\n"),
        saying(OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n"),
        saying(OK + b"X: " + b"y" * 100_000 + b"\r\n" + EMPTY),
        saying(OK + b"X: y\r\n" * 200 + EMPTY),
    ],
    ids=[
        "no word",
        "reset",
        "cut in the head",
        "cut in the body",
        "cut in a chunk",
        "another protocol",
        "TLS",
        "no status",
        "a status that is none",
        "a chunk without a length",
        "a header without end",
        "headers without end",
    ],
)
def test_an_answer_that_is_none_leaves_open_what_was_done(behave: Behave) -> None:
    """The connection was there, so the job may have run; a status alone is not an answer."""
    outcome, _ = deliver(behave)
    assert isinstance(outcome, Unanswered)
    assert outcome.kind is Failure.CUT
    assert outcome.detail


def test_an_application_may_answer_before_it_has_read_everything() -> None:
    """As with 413, after which it hangs up: sending fails, and its answer counts."""

    def refuse(client: Client) -> None:
        client.connection.recv(1000)
        client.say(b"HTTP/1.1 413 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        client.connection.shutdown(socket.SHUT_WR)
        # Where unread data is thrown away at once, the kernel may throw away the answer with it.
        client.over.wait(0.5)

    outcome, _ = deliver(refuse, request=replace(REQUEST, body=b"x" * 20_000_000))
    assert isinstance(outcome, Answered)
    assert outcome.status == 413


def test_a_connection_that_is_lost_while_sending_is_told_as_that() -> None:
    """There is no answer behind it."""
    outcome, _ = deliver(
        reset_after(1000),
        request=replace(REQUEST, body=b"x" * 20_000_000),
    )
    assert isinstance(outcome, Unanswered)
    assert outcome.kind is Failure.CUT


CHECK = make_check("/up", "localhost", "ecs-supervisor/1.0", None)


@pytest.mark.parametrize(
    ("status", "why"), [(200, None), (302, None), (404, "answered 404"), (503, "answered 503")]
)
def test_an_application_is_ready_when_its_health_url_says_so(status: int, why: str | None) -> None:
    """A redirect shows that it is up as well as anything."""
    with Peer(saying(f"HTTP/1.1 {status} X\r\n".encode() + EMPTY)) as peer:
        said = why_unready(CHECK, "127.0.0.1", peer.port, PATIENT)
    assert said is None if why is None else said is not None and why in said
    assert peer.requests[0].startswith(b"GET /up HTTP/1.1\r\n")


def test_without_a_health_url_the_port_is_enough() -> None:
    """Nothing is asked of the application then."""
    with Peer(lambda client: void(client.connection.recv(1))) as peer:
        assert why_unready(None, "127.0.0.1", peer.port, PATIENT) is None


@pytest.mark.parametrize("check", [CHECK, None])
def test_an_application_that_is_not_there_is_not_ready(check: Request | None) -> None:
    """It says why, for people."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "refused" in (why_unready(check, "127.0.0.1", port, PATIENT) or "")


def test_an_application_that_says_nothing_is_not_ready() -> None:
    """In time."""
    began = time.monotonic()
    with Peer(silent) as peer:
        said = why_unready(CHECK, "127.0.0.1", peer.port, replace(PATIENT, inactivity=SHORT))
    assert said is not None
    assert "no answer in time" in said
    assert time.monotonic() - began < PATIENT.total
