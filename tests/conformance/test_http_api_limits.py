"""What the API does not take: too much, too slowly, from too many, or from somebody who was not meant to ask."""

from __future__ import annotations

import gc
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.adapters.http_api import holds, server
from supervisor.adapters.http_api.exchange import BODY_BYTES
from supervisor.adapters.http_api.means import Patience
from tests.conformance.api_client import Served, served
from tests.waiting import until

# Every test run has some ten descriptors open; poll(2) refuses to wait for more of them than there may be.
ALL_IN_USE = 10

PROBLEM = "application/problem+json"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as it:
        yield it


def reply(api: Served, request: bytes) -> bytes:
    """Send bytes over a connection of their own and return all that comes back until it is closed."""
    with api.raw() as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", b"431"),
        (b"PUT /v1/holds/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65537\r\n\r\n", b"413"),
        (
            b"PUT /v1/holds/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
            b"400",
        ),
        (b"PUT /v1/holds/1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", b"501"),
        (
            b"PUT /v1/holds/1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"8000\r\n%s\r\n" % (b"x" * 0x8000) * 3,
            b"413",
        ),
        (b"GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
        (b"no request\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"400"),
    ],
    ids=["headers", "body", "length", "encoding", "chunks", "address", "words", "TLS"],
)
def test_what_is_too_much_or_no_request_is_answered(api: Served, request_: bytes, status: bytes) -> None:
    """The server's own refusals have the same form as all others, and name nobody who wrote them."""
    head, _, body = reply(api, request_).partition(b"\r\n\r\n")
    assert head[9:12] == status
    assert b"Content-Type: application/problem+json" in head
    assert b"Server:" not in head
    assert b'"fix": ' in body
    assert api.ask("GET", "/livez").status == 200


def test_a_body_may_be_as_large_as_is_said(api: Served) -> None:
    """The limit is met to the byte, and what is said in so many words counts."""
    body = b'{"about": "mail"' + b" " * (BODY_BYTES - 17) + b"}"
    assert len(body) == BODY_BYTES
    assert api.ask("PUT", "/v1/holds/1", body).json["about"] == "mail"
    assert api.ask("PUT", "/v1/holds/1", body + b" ").status == 413


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": "localhost:80:80"}, 421),
        ({"Host": "[::1"}, 421),
        ({"Host": "10.0.0.1"}, 421),
        ({"Host": ""}, 400),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "localhost"}, 200),
        ({"Host": "LOCALHOST.:1234"}, 200),
        ({"Host": "[::1]:80"}, 200),
        ({"Host": "127.8.9.10", "Origin": "http://localhost:3000"}, 200),
    ],
)
def test_only_this_machine_is_answered_over_tcp(api: Served, headers: dict[str, str], status: int) -> None:
    """A page that a browser was led to us with names another machine; over the unix socket none can come."""
    assert api.ask("GET", "/livez", headers=headers).status == status
    with api.connected(api.unix) as client:
        assert client.ask("GET", "/livez", headers=headers).status == 200


def test_any_name_is_ours_where_others_may_come(tmp_path: Path) -> None:
    """By which name another machine knows us is not known here."""
    with served(tmp_path, remote=True) as api:
        assert api.ask("GET", "/livez", headers={"Host": "task-1.internal:8126"}).status == 200


def test_an_old_client_needs_no_host(api: Served) -> None:
    """HTTP/1.0 knows no such header."""
    assert reply(api, b"GET /livez HTTP/1.0\r\n\r\n")[9:12] == b"200"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v1/holds/1", "GET, PUT, DELETE, HEAD, OPTIONS"),
        ("DELETE", "/v1/holds", "GET, HEAD, OPTIONS"),
        ("GET", "/v1/drain", "POST, OPTIONS"),
        ("TRACE", "/metrics", "GET, HEAD, OPTIONS"),
    ],
)
def test_what_a_path_does_not_answer_is_said(api: Served, method: str, path: str, allowed: str) -> None:
    """With what it does answer; OPTIONS asks for the same."""
    refused = api.ask(method, path)
    assert (refused.status, refused.headers["Allow"]) == (405, allowed)
    asked = api.ask("OPTIONS", path)
    assert (asked.status, asked.headers["Allow"], asked.body) == (204, allowed, b"")


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/holds", "/v1/holds/", "/v1/status/x"])
def test_an_unknown_path_is_not_found(api: Served, path: str) -> None:
    """And says where to look."""
    missing = api.ask("GET", path)
    assert (missing.status, missing.headers["Content-Type"]) == (404, PROBLEM)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "text/plain", 201),
        (b' {"about": "x"}', "application/x-www-form-urlencoded", 201),
        (b"{}", "application/vnd.x+json; charset=utf-8", 201),
        (b"{}", "text/xml", 415),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b'{"ttl": NaN}', "application/json", 400),
        (b"[" * 60_000, "application/json", 400),
        (b'{"about": "\xff"}', "application/json", 400),
        (b'{"ttl": ' + b"1" * 5000 + b"}", "application/json", 400),
    ],
)
def test_a_body_is_json_or_nothing(api: Served, body: bytes, kind: str, status: int) -> None:
    """What is no JSON object is refused, whatever it is; `curl --data` calls its JSON a form, and is forgiven."""
    assert api.ask("PUT", "/v1/holds/1", body, {"Content-Type": kind}).status == status


def test_head_is_get_without_the_body(api: Served) -> None:
    """A health check that asks for no body gets none."""
    with api.connected() as client:
        for path in ("/livez", "/v1/status", "/v1/holds", "/metrics"):
            head = client.ask("HEAD", path)
            assert (head.status, head.body, int(head.headers["Content-Length"]) > 10) == (200, b"", True)


def test_there_are_only_so_many_holds(api: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is refused, what is there can be refreshed, and what ends makes room."""
    monkeypatch.setattr(holds, "MOST_HOLDS", 3)
    with api.connected() as client:
        assert [client.ask("PUT", f"/v1/holds/{number}").status for number in range(5)] == [201] * 3 + [
            429
        ] * 2
        assert client.ask("PUT", "/v1/holds/1").status == 200
        assert client.ask("DELETE", "/v1/holds/1").status == 200
        assert client.ask("PUT", "/v1/holds/4").status == 201


def test_there_are_only_so_many_connections(api: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is told so and closed; those that are there go on, and one that has been idle gives way in the end."""
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 3)
    with api.connected(api.tcp) as first, api.raw(), api.raw():
        assert first.ask("GET", "/livez").status == 200
        with api.raw() as turned_away:
            answer = b"".join(iter(lambda: turned_away.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 429 ")
        assert b"Retry-After: 1" in answer
        assert first.ask("GET", "/livez").status == 200
        until(lambda: is_let_in(api), why="the idle one gives way")
        with pytest.raises(OSError, match=r"closed|reset"):
            first.ask("GET", "/livez")


def is_let_in(api: Served) -> bool:
    with api.raw() as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return connection.recv(100).startswith(b"HTTP/1.1 200")


def test_without_descriptors_it_rests(api: Served) -> None:
    """Who connects then waits in the kernel, nothing spins, and all goes on as soon as there is one."""
    assert api.ask("GET", "/livez").status == 200
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (ALL_IN_USE, limits[1]))
            client.connect(api.unix.removeprefix("unix:"))
            client.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            until(rests, why="it has no descriptor for the connection")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert client.recv(4096).startswith(b"HTTP/1.1 200")


def rests() -> bool:
    listeners = (each for each in gc.get_objects() if isinstance(each, server._Bounded))
    return any(each.rests_until for each in listeners)


def test_a_defect_of_the_server_costs_the_connections(api: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told, and the next one who connects is served again."""
    real, broken = server._Server.turn, [True]

    def turn(it: server._Server) -> None:
        real(it)
        if broken:
            raise RuntimeError(broken.pop())

    monkeypatch.setattr(server._Server, "turn", turn)
    with pytest.raises(OSError, match=r"closed|reset"):
        api.ask("GET", "/livez")
    until(lambda: api.arena.failed, why="it is told")
    assert [type(error) for error in api.arena.failed] == [RuntimeError]
    api.arena.failed.clear()
    assert api.ask("GET", "/livez").status == 200


def test_slow_clients_are_cut_off(tmp_path: Path) -> None:
    """Silence, a request that trickles in, an answer that is not read, and an idle connection: each has its time."""
    with served(tmp_path, patience=Patience(request=0.2, read=0.2, idle=0.2)) as api:
        silent, trickling, idle, deaf = api.raw(), api.raw(), api.raw(), api.raw(api.unix)
        idle.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(4096).startswith(b"HTTP/1.1 200")
        # More than the kernel keeps for somebody who does not read.
        api.ask("PUT", "/v1/holds/1", {"about": "x" * 200})
        deaf.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 80)

        def is_cut(connection: socket.socket) -> bool:
            connection.setblocking(False)
            try:
                connection.send(b"G")
                return connection.recv(1) == b""
            except BlockingIOError:
                return False
            except OSError:
                return True

        until(lambda: is_cut(trickling), why="a request may not take for ever")
        until(lambda: is_cut(silent), why="a connection is for asking")
        until(lambda: is_cut(idle), why="an idle connection ends")
        deaf.settimeout(5)
        until(lambda: was_closed(deaf), why="an answer must be read")
        for each in (silent, trickling, idle, deaf):
            each.close()
        assert api.ask("GET", "/livez").status == 200


def was_closed(connection: socket.socket) -> bool:
    """Say whether sending finds nobody any more; nothing is read."""
    try:
        connection.send(b"G", socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False
