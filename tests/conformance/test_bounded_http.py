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


def say(*pieces: bytes) -> Behave:
    """Return a peer that takes the request, says this and hangs up."""

    def behave(client: socket.socket, _over: threading.Event) -> None:
        receive(client)
        for piece in pieces:
            client.sendall(piece)

    return behave


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        (HEAD + b"Content-Length: 2\r\n\r\nabc", Reply(200, "", b"ab")),
        (HEAD + b"Content-Length: 0\r\n\r\n", Reply(200, "", b"")),
        (HEAD + b"CONTENT-TYPE:  a/b \r\n\r\nto the end", Reply(200, "a/b", b"to the end")),
        (b"HTTP/1.0 404 Not Found\n\nwith bare line ends", Reply(404, "", b"with bare line ends")),
        (b"HTTP/1.1 500\r\nContent-Length: 1\r\n\r\nx", Reply(500, "", b"x")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Reply(204, "", b"")),
        (b"HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", Reply(301, "", b"")),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: 1\r\n\r\nx", Reply(200, "", b"x")),
        (
            HEAD + b"Transfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n03;x=y\r\ncde\r\n0\r\nT: t\r\n\r\n",
            Reply(200, "", b"abcde"),
        ),
        (HEAD + b"Content-Length: 65536\r\n\r\n" + b"x" * 65536, Reply(200, "", b"x" * 65536)),
    ],
    ids=[
        "counted",
        "empty",
        "to the end",
        "old",
        "no reason",
        "no body",
        "moved",
        "continue",
        "chunks",
        "longest",
    ],
)
def test_an_answer_in_whatever_form(serve: Serve, said: bytes, reply: Reply) -> None:
    """Every way of framing a body that HTTP/1.1 knows is understood, and a redirect is an answer like any other."""
    assert ask(serve(say(said))) == reply


def test_an_answer_may_come_byte_by_byte(serve: Serve) -> None:
    """However small the pieces are, the answer is the same."""
    said = HEAD + b"Content-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    assert ask(serve(say(*(bytes((each,)) for each in said)))) == Reply(200, "a/b", b"abc")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (HEAD + b"Content-Length: 65537\r\n\r\n", "longer than 65536"),
        (HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", "limit"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n10001\r\n", "longer than 65536"),
        (HEAD + b"X: " + b"x" * 20_000, "headers of the answer are longer"),
        (HEAD + b"X: x\r\n" * 4000, "headers of the answer are longer"),
        (b"H" * 20_000, "headers of the answer are longer"),
        (HEAD + b"Content-Length: -1\r\n\r\n", "no number"),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "two lengths"),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", "coding"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nab\r\n", "ended before"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "longer than it was announced"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n", "no length"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n", "ended before"),
        (HEAD + b"no header\r\n\r\n", "no header"),
        (HEAD + b" folded: x\r\n\r\n", "folded"),
        (HEAD, "ended before"),
        (b"HTTP/2 200\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 OK\r\n\r\n", "not HTTP"),
        (b"\x00\xff\r\n\r\n", "not HTTP"),
    ],
)
def test_what_cannot_be_trusted_is_no_answer(serve: Serve, said: bytes, why: str) -> None:
    """Too long, too short or contradictory: the outcome is open, and the reason is told."""
    reply = ask(serve(say(said)))
    assert isinstance(reply, NoReply)
    assert reply.sent
    assert why in reply.why


@pytest.mark.parametrize(
    ("base", "path"),
    [("", "/state"), ("/", "/state"), ("/api//x/", "/api/x/state"), ("//api", "/api/state")],
)
def test_the_path_is_kept_and_never_has_a_double_slash(serve: Serve, base: str, path: str) -> None:
    """The agent would answer a double slash with a redirect."""
    seen = list[bytes]()

    def behave(client: socket.socket, _over: threading.Event) -> None:
        seen.append(receive(client))
        client.sendall(HEAD + b"Content-Length: 0\r\n\r\n")

    url = serve(behave).removesuffix("/state")
    assert ask(f"{url}{base}/state") == Reply(200, "", b"")
    assert seen[0].startswith(f"PUT {path} HTTP/1.1\r\nHost: {url.removeprefix('http://')}\r\n".encode())
    assert b"Content-Length: 2\r\n" in seen[0]


def test_a_request_without_a_body_has_no_length(serve: Serve) -> None:
    """A GET ends with its headers."""
    seen = list[bytes]()

    def behave(client: socket.socket, _over: threading.Event) -> None:
        received = b""
        while not received.endswith(b"\r\n\r\n"):
            received += client.recv(4096)
        seen.append(received)
        client.sendall(HEAD + b"Content-Length: 0\r\n\r\n")

    reply = exchange(
        "GET", serve(behave), None, connect_seconds=GENEROUS_SECONDS, answer_seconds=GENEROUS_SECONDS
    )
    assert reply == Reply(200, "", b"")
    assert b"content-length" not in seen[0].lower()


def test_a_name_and_an_address_of_the_other_kind_are_hosts_too(serve: Serve) -> None:
    """A host may be a name with several addresses, of which the one that answers is taken, and IPv6 in brackets."""
    url = serve(say(HEAD + b"Content-Length: 0\r\n\r\n"))
    assert ask(url.replace("127.0.0.1", "localhost")) == Reply(200, "", b"")
    url = serve(say(HEAD + b"Content-Length: 0\r\n\r\n"))
    assert ask(url.replace("127.0.0.1", "[::ffff:127.0.0.1]")) == Reply(200, "", b"")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "/api/x",
        "https://127.0.0.1:9/x",
        "http://",
        "http:///x",
        "http://:80/x",
        "http://[/x",
        "http://[::1]x/y",
        "http://127.0.0.1:0/x",
        "http://127.0.0.1:99999/x",
        "http://127.0.0.1:x/x",
        "http://someone@127.0.0.1:9/x",
        "http://127.0.0.1:9/x?y=1",
        "http://127.0.0.1:9/with blank",
        "http://127.0.0.1:9/x\r\nHost: y",
        "http://h\u00f6st/x",
        "http://no.such.host.invalid/x",
    ],
)
def test_an_unusable_address_means_that_nothing_was_sent(url: str) -> None:
    """What is no address of plain HTTP is refused with a reason."""
    reply = ask(url)
    assert isinstance(reply, NoReply)
    assert not reply.sent
    assert reply.why
