"""One contract, two agents: what the emulated agent answers, and what the supervisor answers in its place."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from supervisor.adapters.http_api.exchange import CONNECTION, WAITING
from supervisor.adapters.http_api.waiters import CrowdedError
from supervisor.core.events import DrainRequested, StopRequested
from supervisor.emulator.faults import Fault
from tests.conformance.api_client import Connection
from tests.conformance.arbitration_arena import (
    OFF,
    ON,
    PREFIX,
    TIME_SCALE,
    Arbitrated,
    arbitrated,
    ask,
    comparable,
    is_enabled,
)
from tests.waiting import until

STATE = "/task-protection/v1/state"

WISHES = [
    b'{"ProtectionEnabled":true}',
    b'{"protectionEnabled":true,"expiresInMinutes":5}',
    b'{"PROTECTIONENABLED":true}',
    b'{"ProtectionEnabled":true,"ExpiresInMinutes":null}',
    b'{"ProtectionEnabled":true,"ExpiresInMinutes":2880}',
    b'{"ProtectionEnabled":false}',
    b'{"ProtectionEnabled":false,"ExpiresInMinutes":5}',
    b'{"ProtectionEnabled":false,"ProtectionEnabled":true}',
    b'{"ProtectionEnabled":true} and so on',
    b' \r\n\t{"ProtectionEnabled":true}',
    b'{"ProtectionEnabled":true,"ExpiresInMinutes":4294967297}',
    b'{"ProtectionEnabled":true,"ExpiresInMinutes":60.0}',
    b'{"ProtectionEnabled":true,"ExpiresInMinutes":1.5}',
    b'{"ProtectionEnabled":true,"ExpiresInMinutes":1e2}',
    b'{"ProtectionEnabled":true,"ExpiresInMinutes":"60"}',
    b'{"ProtectionEnabled":true,"ExpiresInMinutes":true}',
    b'{"ProtectionEnabled":true,"ExpiresInMinutes":9223372036854775808}',
    b'{"ProtectionEnabled":true,"ExpiresInMinutes":0}',
    b'{"ProtectionEnabled":true,"ExpiresInMinutes":-1}',
    b'{"ProtectionEnabled":true,"ExpiresInMinutes":2881}',
    b'{"ProtectionEnabled":"true"}',
    b'{"ProtectionEnabled":1}',
    b'{"ProtectionEnabled":NaN}',
    b'{"ProtectionEnabled":true,"Reason":"x"}',
    b'{"ProtectionEnabled":true',
    b"[]",
    b"",
    b"true",
    b"\xff",
    b'\xef\xbb\xbf{"ProtectionEnabled":true}',
    b"[" * 100_0,
    b"{}",
    b"null",
    b'{"ProtectionEnabled":null}',
    b'{"ProtectionEnabled":true,"ProtectionEnabled":null}',
    b'{"ExpiresInMinutes":0}',
]


@pytest.fixture
def arena(tmp_path: Path) -> Iterator[Arbitrated]:
    with arbitrated(tmp_path) as arena:
        yield arena


@pytest.fixture
def fast(tmp_path: Path) -> Iterator[Arbitrated]:
    with arbitrated(tmp_path, time_scale=TIME_SCALE) as arena:
        yield arena


def assert_alike(arena: Arbitrated, method: str, body: object = None, path: str = STATE) -> None:
    theirs = ask(arena.agent.uri(arena.other_id), method, body, path)
    assert comparable(arena.ask(method, body, path)) == comparable(theirs)


def test_every_wish_is_answered_as_the_agent_does(arena: Arbitrated) -> None:
    """Whatever a body says or fails to say, both answer with the same status and the same bytes."""
    for wish in WISHES:
        assert_alike(arena, "PUT", wish)


def test_how_the_task_is_is_told_as_the_agent_does(arena: Arbitrated) -> None:
    """A GET tells the same before anything was asked for, while the task is protected, and the same date each time."""
    assert_alike(arena, "GET")
    for agent in (arena.uri, arena.agent.uri(arena.other_id)):
        ask(agent, "PUT", ON)
    assert_alike(arena, "GET")
    assert arena.ask("GET").body == arena.ask("GET").body


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_other_methods_are_refused_as_the_agent_does(arena: Arbitrated, method: str) -> None:
    """Whoever neither reads nor sets gets a status without a body."""
    assert_alike(arena, method)


@pytest.mark.parametrize(
    "path",
    [
        f"{STATE}/",
        f"/{STATE}",
        "/task-protection//v1/state",
        "/task-protection/./v1/state",
        "/task-protection/x/../v1/state?a=b",
        "/task-protection/v1/nothing",
        "/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_other_paths_are_answered_as_the_agent_does(arena: Arbitrated, method: str, path: str) -> None:
    """A slash too many is refused or redirected, and what does not exist does not exist."""
    assert_alike(arena, method, b"{}" if method == "PUT" else None, path)


@pytest.mark.parametrize(
    "fault", [Fault.DEPLOYMENT_BLOCKED, Fault.TASK_NOT_VALID, Fault.FUTURE_REASON, Fault.IAM_DENIED]
)
def test_a_refusal_is_told_in_the_agents_words(fast: Arbitrated, fault: Fault) -> None:
    """What ECS says to the supervisor is what the caller hears, and it holds nothing then."""
    fast.agent.faults.always(fault, method="PUT")
    assert_alike(fast, "PUT", ON)
    until(lambda: not fast.claims, why="nothing is held")


def test_a_task_of_no_service_is_refused_as_the_agent_does(tmp_path: Path) -> None:
    """Who cannot be protected at all hears so at once, each time."""
    with arbitrated(tmp_path, standalone=True) as arena:
        for _ in range(2):
            assert_alike(arena, "PUT", ON)
        assert not arena.claims


def test_no_answer_from_ecs_is_told_as_the_agent_does(fast: Arbitrated) -> None:
    """Where ECS does not answer in time the caller hears that, and its claim stays: it may be carried out."""
    fast.agent.faults.always(Fault.TIMEOUT_NOT_APPLIED)
    assert_alike(fast, "PUT", ON)
    assert len(fast.claims) == 1
    fast.agent.faults.clear()
    fast.until_protected()


def test_a_passing_fault_is_not_told(tmp_path: Path) -> None:
    """Throttling that ends in time is a matter between the supervisor and the agent."""
    with arbitrated(tmp_path, time_scale=TIME_SCALE, answer_seconds=10.0) as arena:
        arena.agent.faults.next(Fault.THROTTLED, method="PUT")
        assert is_enabled(arena.ask("PUT", ON))


def test_a_claim_is_told_to_end_no_later_than_it_does(arena: Arbitrated) -> None:
    """The date is the caller's own expiry where that comes first, and else the end of the lease that ECS has confirmed."""

    def seconds_told(minutes: int) -> float:
        told = arena.ask("PUT", ON | {"ExpiresInMinutes": minutes}).json["protection"]["ExpirationDate"]
        return datetime.fromisoformat(told).timestamp() - arena.arena.clock.wall()

    assert 50 < seconds_told(1) <= 61
    # The supervisor's lease is of 60 minutes, and it renews it as long as anybody claims.
    assert 3500 < seconds_told(600) <= 3601


def test_who_ends_its_claim_hears_that_it_is_done(arena: Arbitrated) -> None:
    """`false` is answered at once, though the task is protected for some time yet; a look tells the truth."""
    assert is_enabled(arena.ask("PUT", ON))
    assert not is_enabled(arena.ask("PUT", OFF))
    assert not arena.claims
    assert is_enabled(arena.ask("GET"))
    assert [call.method for call in arena.agent.protection_calls(arena.task_id)] == ["GET", "PUT"]


@pytest.mark.parametrize("kind", [StopRequested, DrainRequested])
def test_during_a_stop(arena: Arbitrated, kind: type[StopRequested | DrainRequested]) -> None:
    """Who claims while the task goes is waited for; it is told yes only where a lease still helps."""
    arena.arena.desk.post(kind("test"))
    until(lambda: arena.arena.standing().stopping, why="the task stops")
    first = arena.ask("PUT", ON)
    assert is_enabled(first) is (kind is DrainRequested)
    assert len(arena.claims) == 1
    assert is_enabled(arena.ask("GET")) is (kind is DrainRequested)


def test_an_agent_that_is_away(tmp_path: Path) -> None:
    """Who claims hears in time that there is no answer; who lets go is not kept; all else is a problem of the gateway."""
    with arbitrated(tmp_path, has_agent=False) as arena:
        error = {"Code": "RequestCanceled", "Message": "Timed out calling ECS Task Protection API"}
        for method, body in (("PUT", ON), ("GET", None)):
            reply = arena.ask(method, body)
            assert (reply.status, reply.json) == (504, {"error": error})
        assert len(arena.claims) == 1
        assert not is_enabled(arena.ask("PUT", OFF))
        assert not arena.claims
        reply = arena.ask("GET", path="/task-protection/v1/nothing")
        assert (reply.status, reply.headers["Content-Type"]) == (502, "application/problem+json")
        assert "agent" in reply.json["detail"]


def test_who_comes_by_the_unix_socket_is_unknown(arena: Arbitrated) -> None:
    """Its connection has no address to be found by."""
    connection = Connection(arena.unix)
    try:
        assert is_enabled(connection.ask("PUT", f"{PREFIX}{STATE}", ON))
    finally:
        connection.close()
    assert [claim.holder for claim in arena.claims] == ["agent#unknown"]


@dataclass(frozen=True)
class Peer:
    """One that is on no connection. is_closed: not even on ours."""

    is_unix: bool = False
    is_closed: bool = False

    @property
    def local(self) -> tuple[str, int]:
        if self.is_closed:
            raise OSError
        return "127.0.0.1", 1


def put_directly(arena: Arbitrated, peer: Peer, crowded: bool = False) -> tuple[str, bytes]:
    """Ask without a connection; return status and body."""

    @contextmanager
    def waiting() -> Iterator[None]:
        if crowded:
            raise CrowdedError
        yield

    body, said = json.dumps(ON).encode(), list[str]()
    answer = arena.app(
        {
            "REQUEST_METHOD": "PUT",
            "PATH_INFO": f"{PREFIX}{STATE}",
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_PORT": "1",
            "wsgi.input": io.BytesIO(body),
            CONNECTION: peer,
            WAITING: waiting,
        },
        lambda status, _: said.append(status),
    )
    return said[0], b"".join(answer)


@pytest.mark.parametrize("peer", [Peer(), Peer(is_closed=True)])
def test_who_has_hung_up_holds_nothing(arena: Arbitrated, peer: Peer) -> None:
    """Nobody would ever let go of that claim, and nobody hears that it is granted."""
    assert put_directly(arena, peer)[0] == "504 Gateway Timeout"
    assert not arena.claims


def test_too_many_who_wait_are_sent_away_as_the_agent_does(tmp_path: Path) -> None:
    """Waiting for the agent takes a thread each; one more hears what the agent says to a burst, and holds nothing."""
    with arbitrated(tmp_path, has_agent=False) as arena:
        status, body = put_directly(arena, Peer(is_unix=True), crowded=True)
        assert (status, body) == ("429 Too Many Requests", b"You have reached maximum request limit.")
        assert not arena.claims


def test_a_claim_counts_at_once(tmp_path: Path) -> None:
    """Also where jobs are protected only when they have lasted for some time: this one asks for nothing else."""
    with arbitrated(tmp_path, after=3600.0) as arena:
        assert is_enabled(arena.ask("PUT", ON))
        assert arena.is_protected
