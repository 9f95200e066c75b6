"""The HTTP exchange against peers that no agent would be: slow, silent, wordy, rude."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from supervisor.adapters.bounded_http import LONGEST_BODY_BYTES, NoReply, Reply, exchange

# What an exchange that should be cut after this long may take on a busy machine.
ANSWER_SECONDS = 0.5
GENEROUS_SECONDS = 10.0

Behave = Callable[[socket.socket, threading.Event], None]
Serve = Callable[[Behave], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a peer that behaves as told towards one client; return its address."""
    over = threading.Event()
    threads: list[threading.Thread] = []
    listeners: list[socket.socket] = []

    def start(behave: Behave) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def run() -> None:
            client, _ = listener.accept()
            with client:
                try:
                    behave(client, over)
                except OSError:
                    # The client has hung up, which is what most of these tests are about.
                    return

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/state"

    yield start
    over.set()
    for thread in threads:
        thread.join(timeout=GENEROUS_SECONDS)
        assert not thread.is_alive()
    for listener in listeners:
        listener.close()


def ask(url: str, answer_seconds: float = GENEROUS_SECONDS) -> Reply | NoReply:
    return exchange("PUT", url, b"{}", connect_seconds=GENEROUS_SECONDS, answer_seconds=answer_seconds)


def receive(client: socket.socket) -> bytes:
    """Read the request to the end of its two-byte body."""
    received = b""
    while not received.endswith(b"\r\n\r\n{}"):
        received += client.recv(4096)
    return received


def drip(client: socket.socket, over: threading.Event, prefix: bytes, byte: bytes) -> None:
    receive(client)
    client.sendall(prefix)
    while not over.wait(0.02):
        client.sendall(byte)


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("prefix", "byte"),
    [
        (b"", b"H"),
        (HEAD + b"X-Slow: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (HEAD + b"Content-Length: 60000\r\n\r\n", b" "),
        (HEAD + b"Connection: close\r\n\r\n", b" "),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
    ids=["status line", "headers", "continue", "counted body", "endless body", "chunks"],
)
def test_a_dripping_peer_is_cut(serve: Serve, prefix: bytes, byte: bytes) -> None:
    """The time of the whole answer is bounded, although each single read is quick."""
    began = time.monotonic()
    reply = ask(serve(lambda client, over: drip(client, over, prefix, byte)), ANSWER_SECONDS)
    assert time.monotonic() - began < GENEROUS_SECONDS
    assert reply == NoReply(sent=True, why="timed out")


def test_a_silent_peer_is_cut(serve: Serve) -> None:
    """A peer that takes the request and says nothing leaves the outcome open."""

    def behave(client: socket.socket, over: threading.Event) -> None:
        receive(client)
        over.wait(GENEROUS_SECONDS)

    began = time.monotonic()
    assert ask(serve(behave), ANSWER_SECONDS) == NoReply(sent=True, why="timed out")
    assert ANSWER_SECONDS * 0.9 < time.monotonic() - began < GENEROUS_SECONDS


def test_a_late_byte_gains_no_time(serve: Serve) -> None:
    """A peer that says a little just before the end does not start the clock again."""

    def behave(client: socket.socket, over: threading.Event) -> None:
        receive(client)
        over.wait(1.8)
        client.sendall(b"H")
        over.wait(GENEROUS_SECONDS)

    began = time.monotonic()
    assert ask(serve(behave), answer_seconds=2.0) == NoReply(sent=True, why="timed out")
    assert time.monotonic() - began < 3.5


def test_a_peer_that_never_accepts_is_cut() -> None:
    """A connection that the kernel made counts as sent: the request may lie in the peer's buffer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/state"
        assert ask(url, ANSWER_SECONDS) == NoReply(sent=True, why="timed out")


def test_a_closed_port_means_that_nothing_was_sent() -> None:
    """A refused connection is told apart from an answer that was lost."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/state"
    reply = ask(url)
    assert isinstance(reply, NoReply)
    assert not reply.sent
    assert "Connection refused" in reply.why


def test_a_full_backlog_means_that_nothing_was_sent() -> None:
    """A peer whose backlog is full does not answer the connecting, which has a limit of its own."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        with socket.create_connection(address):
            url = f"http://127.0.0.1:{address[1]}/state"
            began = time.monotonic()
            reply = exchange("GET", url, None, connect_seconds=0.3, answer_seconds=GENEROUS_SECONDS)
            assert time.monotonic() - began < GENEROUS_SECONDS
    assert isinstance(reply, NoReply)
    assert not reply.sent


def test_an_empty_reply_leaves_the_outcome_open(serve: Serve) -> None:
    """A peer that hangs up after the request, as the agent does when it panics, may have carried it out."""

    def behave(client: socket.socket, _over: threading.Event) -> None:
        receive(client)

    reply = ask(serve(behave))
    assert isinstance(reply, NoReply)
    assert reply.sent
    assert "closed connection without response" in reply.why


def test_a_truncated_body_is_no_answer(serve: Serve) -> None:
    """A body that ends before its announced length is not taken for the whole."""

    def behave(client: socket.socket, _over: threading.Event) -> None:
        receive(client)
        client.sendall(HEAD + b"Content-Length: 10\r\n\r\nhalf")

    reply = ask(serve(behave))
    assert isinstance(reply, NoReply)
    assert reply.sent


def test_a_wordy_peer_is_cut(serve: Serve) -> None:
    """No more is read than the longest answer there can be."""

    def behave(client: socket.socket, over: threading.Event) -> None:
        receive(client)
        client.sendall(HEAD + b"Connection: close\r\n\r\n")
        while not over.is_set():
            client.sendall(b" " * 65_536)

    reply = ask(serve(behave))
    assert isinstance(reply, NoReply)
    assert str(LONGEST_BODY_BYTES) in reply.why


def test_something_that_is_not_http_is_no_answer(serve: Serve) -> None:
    """A peer that speaks another protocol leaves the outcome open."""

    def behave(client: socket.socket, _over: threading.Event) -> None:
        receive(client)
        client.sendall(b"-ERR unknown command 'PUT'\r\n")

    reply = ask(serve(behave))
    assert isinstance(reply, NoReply)
    assert reply.sent


def test_a_compressed_answer_is_not_unpacked(serve: Serve) -> None:
    """Compression was not asked for, so a body is taken as it came: a small one cannot become large."""

    def behave(client: socket.socket, _over: threading.Event) -> None:
        request = receive(client).lower()
        assert b"accept-encoding: identity" in request
        assert b"connection: close" in request
        client.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc")

    assert ask(serve(behave)) == Reply(200, "", b"abc")


def test_a_whole_answer_is_given_as_it_is(serve: Serve) -> None:
    """Status, content type and body are what the peer sent, in whichever pieces they came."""

    def behave(client: socket.socket, over: threading.Event) -> None:
        receive(client)
        for piece in (
            b"HTTP/1.1 418 Tea",
            b"pot\r\nContent-Type: text/tea\r\nContent-Le",
            b"ngth: 3\r\n\r\nt",
            b"ea",
        ):
            client.sendall(piece)
            over.wait(0.02)

    assert ask(serve(behave)) == Reply(418, "text/tea", b"tea")
