"""Asking SQS over connections of our own: when that is done, and what becomes of connections and answers that are no good."""

from __future__ import annotations

import ssl
from pathlib import Path

import botocore.session
import pytest

from supervisor.adapters.sqs import client
from supervisor.adapters.sqs.client import Clients, make_clients
from supervisor.adapters.sqs.direct import Direct
from supervisor.adapters.sqs.queue import Queue
from supervisor.adapters.sqs.trouble import Kind, Trouble
from supervisor.emulator.sqs.server import SqsServer
from tests.sqs.certificate import write_certificate
from tests.sqs.peer import Behave, Client, Peer
from tests.sqs.polling import REGION, bodies, clients, poll, send
from tests.waiting import until

ASKED = {"QueueUrl": "https://queue", "ReceiptHandle": "r"}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: "


def answering(*answers: bytes, told: list[bytes] | None = None) -> Behave:
    """Answer as many requests of each connection, and hang up. told: takes what was asked."""

    def behave(client: Client) -> None:
        for answer in answers:
            asked = client.read_request()
            if told is not None:
                told.append(asked)
            client.received = b""
            client.say(answer)

    return behave


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("AWS_SIGV4A_SIGNING_REGION_SET", "*"),
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_botocore(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A proxy, and signatures for several regions at once."""
    monkeypatch.setenv("NO_PROXY", "nowhere")
    monkeypatch.setenv(name, value)
    made = fresh_clients("http://sqs.test:80", monkeypatch)
    assert not isinstance(made.polls, Direct)


def test_botocore_s_own_way_does_the_same(stand_in: SqsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Receive and delete, with botocore's clients."""
    monkeypatch.setattr(client, "find_form", lambda *_: None)
    jobs = Queue(clients(stand_in.url), stand_in.create_queue("jobs"))
    send(jobs, "a", "b")
    received = poll(jobs)
    assert bodies(received) == ["a", "b"]
    assert jobs.delete_many([message.receipt for message in received]) == (None, None)
    assert stand_in.queue("jobs").counts() == (0, 0, 0)


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1", "cn-north-1"])
def test_requests_go_where_botocore_s_would(region: str) -> None:
    """Endpoint and host are its own, and so are its headers."""
    made = make_clients(region, None, wait_seconds=20, connections=1)
    assert isinstance(made, Clients)
    assert isinstance(made.acts, Direct)
    form = made.acts._form
    assert f"https://{form.host}" == made.rest.meta.endpoint_url
    assert (form.port, form.headers["host"], form.region, form.service) == (443, form.host, region, "sqs")
    assert form.headers["content-type"] == "application/x-amz-json-1.0"
    assert "ecs-supervisor/" in form.user_agent


def test_a_kept_connection_that_was_closed_is_not_used() -> None:
    """A new one is, so that nothing fails; a poll as well as anything."""
    with Peer(answering(HEAD + b"2\r\n\r\n{}")) as peer:
        made = clients(f"http://127.0.0.1:{peer.port}")
        for _ in range(3):
            peer.hung_up.clear()
            assert made.polls("ReceiveMessage", ASKED) == {}
            until(peer.hung_up.is_set, limit=10.0, why="the connection is closed")


def test_connections_are_kept() -> None:
    """One is enough for requests that follow each other."""
    with Peer(answering(*[HEAD + b"0\r\n\r\n"] * 3)) as peer:
        made = clients(f"http://127.0.0.1:{peer.port}")
        assert [made.acts("DeleteMessage", ASKED) for _ in range(3)] == [{}, {}, {}]
        del made
    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (HEAD + b"5\r\n\r\nhello", "JSONDecodeError"),
        (HEAD + b"2\r\n\r\n[]", "ValueError"),
        (HEAD + b"9\r\n\r\n{}", "ConnectionError"),
        (b"SSH-2.0-x\r\n", "ValueError"),
        (b"HTTP/1.1 502 X\r\nContent-Length: 3\r\n\r\n<a>", "502"),
    ],
    ids=["no JSON", "a list", "cut", "another protocol", "a proxy's page"],
)
def test_an_answer_that_is_none_leaves_open_what_was_done(answer: bytes, code: str) -> None:
    """An act is asked for a second time, over another connection; a poll is not."""
    for is_poll, times in ((True, 1), (False, 2)):
        told: list[bytes] = []
        with Peer(answering(answer, told=told)) as peer:
            made = clients(f"http://127.0.0.1:{peer.port}")
            trouble = (made.polls if is_poll else made.acts)("DeleteMessage", ASKED)
        assert isinstance(trouble, Trouble)
        assert (trouble.kind, trouble.code, trouble.maybe_done) == (Kind.UNREACHABLE, code, True)
        assert len(told) == times


def test_what_was_never_sent_was_not_done() -> None:
    """Nobody listens there."""
    with Peer(answering()) as peer:
        port = peer.port
    trouble = clients(f"http://127.0.0.1:{port}").acts("DeleteMessage", ASKED)
    assert isinstance(trouble, Trouble)
    assert (trouble.kind, trouble.code, trouble.maybe_done) == (
        Kind.UNREACHABLE,
        "ConnectionRefusedError",
        False,
    )


def test_what_comes_unasked_ends_a_connection() -> None:
    """The rest of one answer is not the beginning of the next."""
    with Peer(answering(HEAD + b"2\r\n\r\n{}HTTP/1.1 500 X\r\n")) as peer:
        made = clients(f"http://127.0.0.1:{peer.port}")
        assert [made.polls("ReceiveMessage", ASKED) for _ in range(2)] == [{}, {}]


@pytest.mark.parametrize("trusted", [True, False])
def test_what_is_encrypted_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool) -> None:
    """Against the certificates that botocore is told to trust."""
    certificate, key = write_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if trusted:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))

    with Peer(encrypted(context, answering(HEAD + b"2\r\n\r\n{}", HEAD + b"2\r\n\r\n{}"))) as peer:
        made = fresh_clients(f"https://localhost:{peer.port}", monkeypatch)
        outcomes = [made.acts("DeleteMessage", ASKED) for _ in range(2)]
    if trusted:
        assert outcomes == [{}, {}]
        return
    assert all(isinstance(each, Trouble) and not each.maybe_done for each in outcomes)


def encrypted(context: ssl.SSLContext, behave: Behave) -> Behave:
    def behaving(client: Client) -> None:
        with context.wrap_socket(client.connection, server_side=True) as connection:
            client.connection = connection
            behave(client)

    return behaving


def fresh_clients(url: str, monkeypatch: pytest.MonkeyPatch) -> Clients:
    """Make clients with a session that has not looked at the environment yet."""
    monkeypatch.setattr(botocore.session, "get_session", botocore.session.Session)
    made = make_clients(REGION, url, wait_seconds=20, connections=2)
    assert isinstance(made, Clients)
    return made
