"""Holds, state and steering over HTTP, as any client sees them, with everything real behind."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from supervisor.core.effects import Protect
from supervisor.core.events import HoldTaken, StopRequested
from supervisor.core.names import HolderId, HoldId
from tests.conformance.api_arena import LEASE_SECONDS, Arena
from tests.conformance.api_client import Served, served
from tests.waiting import until


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as it:
        yield it


def test_a_hold_is_put_refreshed_and_deleted(api: Served) -> None:
    """The same request begins a hold and keeps it; its end is asked for once or twice, with the same answer."""
    with api.connected() as client:
        first = client.ask("PUT", "/v1/holds/42", {"about": "mail", "ttl": 60})
        assert (first.status, first.json["granted"], first.json["about"]) == (201, True, "mail")
        assert first.json["ttl"] == 60
        assert 50 < first.json["expires_in"] <= 60
        again = client.ask("PUT", "/v1/holds/42")
        assert (again.status, again.json["about"], again.json["ttl"]) == (200, "mail", 300)
        assert client.ask("GET", "/v1/holds/42").json["id"] == "42"
        gone = [client.ask("DELETE", "/v1/holds/42") for _ in range(2)]
        assert [each.status for each in gone] == [200, 200]
        assert client.ask("GET", "/v1/holds/42").status == 404


def test_an_answer_says_how_long_the_task_is_protected(api: Served) -> None:
    """A job that runs demands protection, and whoever asks about its hold hears that it is confirmed."""
    assert api.ask("PUT", "/v1/holds/1").status == 201
    until(lambda: api.arena.standing().protected, why="the play protector grants at once")
    told = api.ask("PUT", "/v1/holds/1").json
    assert told["protected"] is True
    assert LEASE_SECONDS - 60 < told["protected_for"] <= LEASE_SECONDS


def test_a_hold_ends_by_itself(api: Served) -> None:
    """A client that dies is not seen, so its hold has a time to live, whatever it says."""
    api.ask("PUT", "/v1/holds/1", {"ttl": 0.05})
    until(lambda: api.arena.hold("api/1") is None, why="its time to live has passed")


@pytest.mark.parametrize("id_", ["a/b", "ä 1", "50%", "a?b#c", "日本", "x" * 200, "..."])
def test_any_id_can_be_used(api: Served, id_: str) -> None:
    """Whatever identifies a job in its queue identifies its hold, as long as it is percent-encoded."""
    path = f"/v1/holds/{quote(id_, safe='')}"
    assert api.ask("PUT", path).json["id"] == id_
    assert api.arena.hold(f"api/{id_}") is not None
    api.ask("DELETE", path)
    assert api.arena.hold(f"api/{id_}") is None


@pytest.mark.parametrize("id_", ["x" * 201, "a%00b", "a%0Ab", "%FF"])
def test_an_id_that_cannot_be_used_is_refused(api: Served, id_: str) -> None:
    """Too long, with a control character, or not in UTF-8."""
    refused = api.ask("PUT", f"/v1/holds/{id_}")
    assert (refused.status, refused.headers["Content-Type"]) == (400, "application/problem+json")


def test_everything_that_is_wrong_with_a_body_is_said_at_once(api: Served) -> None:
    """A client is mended in one go, and nothing is held meanwhile."""
    refused = api.ask("PUT", "/v1/holds/1", {"ttl": 0, "wait": "long", "about": 3, "tll": 1})
    assert refused.status == 400
    assert len(refused.json["errors"]) == 4
    assert set(refused.json) >= {"type", "title", "status", "detail", "fix"}
    assert api.arena.hold("api/1") is None


def test_all_holds_are_listed_whoever_holds_them(api: Served) -> None:
    """An operator sees hooks' jobs beside those that came over HTTP."""
    api.arena.desk.ask((HoldTaken(HoldId("7#1/j"), HolderId("7#1"), "hooked"),), lambda _: None, 5.0)
    api.ask("PUT", "/v1/holds/1", {"about": "posted"})
    listed = api.ask("GET", "/v1/holds").json["holds"]
    assert [(each["id"], each["holder"], each["about"]) for each in listed] == [
        ("7#1/j", "7#1", "hooked"),
        ("api/1", "api", "posted"),
    ]


def test_somebody_elses_hold_is_out_of_reach(api: Served) -> None:
    """What a hook holds has another name, whatever id is asked for."""
    api.arena.desk.ask((HoldTaken(HoldId("7#1/j"), HolderId("7#1"), "hooked"),), lambda _: None, 5.0)
    assert api.ask("DELETE", "/v1/holds/7%231%2Fj").status == 200
    assert api.arena.hold("7#1/j") is not None


def test_what_people_read_is_kept_on_one_line(api: Served) -> None:
    """The name of a job can neither forge a log line nor break the log, and a long one is cut, not refused."""
    about = api.ask("PUT", "/v1/holds/1", b'{"about": "a\\nb\\ud800c' + b"x" * 300 + b'"}').json["about"]
    assert about.startswith("a b c")
    assert len(about) == 200


def test_who_waits_begins_when_protection_is_confirmed(tmp_path: Path) -> None:
    """With `protect before-start` the answer comes with the protection."""
    arena = Arena(before_start=True)
    with served(tmp_path, arena) as api:
        told = api.ask("PUT", "/v1/holds/1", {"wait": 10})
        assert (told.status, told.json["granted"], told.json["protected"]) == (201, True, True)


def test_who_waits_hears_when_the_task_is_protected(tmp_path: Path) -> None:
    """Without before-start the hold counts at once, and the answer comes with the protection, or when the time is over."""
    arena = Arena(grants=False)
    with served(tmp_path, arena) as api, api.connected() as client:
        early = api.ask("PUT", "/v1/holds/1", {"wait": 0.05})
        assert (early.status, early.json["granted"], early.json["protected"]) == (201, True, False)
        client.request("PUT", "/v1/holds/1", b'{"wait": 30}')
        until(lambda: any(isinstance(order, Protect) for order in arena.orders), why="it was asked for")
        arena.answer_late()
        answer = client.getresponse()
        assert (answer.status, json.loads(answer.read())["protected"]) == (200, True)


def test_a_look_for_work_is_waited_for_and_no_reason_to_be_protected(api: Served) -> None:
    """It becomes a job when the job is put in its place, and is refused while new work is not welcome."""
    looks = api.ask("PUT", "/v1/holds/1", {"fetching": True})
    assert (looks.status, looks.json["accepting"]) == (201, True)
    assert not any(isinstance(order, Protect) for order in api.arena.orders)
    assert api.ask("PUT", "/v1/holds/1", {"about": "mail"}).status == 201
    until(lambda: any(isinstance(order, Protect) for order in api.arena.orders), why="it is a job now")
    api.ask("POST", "/v1/quiet")
    refused = api.ask("PUT", "/v1/holds/1", {"fetching": True})
    assert (refused.status, api.arena.hold("api/1")) == (409, None)
    assert "no new work" in refused.json["detail"]


@pytest.mark.parametrize(("path", "status"), [("/v1/resume", 201), ("/v1/drain", 409)])
def test_a_look_for_work_can_wait_until_it_is_welcome(api: Served, path: str, status: int) -> None:
    """The answer comes when the task goes on, or at once when it is on its way out."""
    api.ask("POST", "/v1/quiet")
    with api.connected() as client:
        client.request("PUT", "/v1/holds/1", b'{"fetching": true, "wait": 30}')
        until(lambda: api.arena.snapshot().holds_taken == 1, why="it has looked once")
        until(lambda: api.arena.hold("api/1") is None, why="and holds nothing while it waits")
        api.ask("POST", path)
        assert client.getresponse().status == status


def test_a_wait_that_runs_out_leaves_the_hold_open(tmp_path: Path) -> None:
    """Its answer says that it is not granted; to ask again goes on waiting, and is not another hold."""
    arena = Arena(before_start=True, grants=False, wait=60)
    with served(tmp_path, arena) as api:
        first = api.ask("PUT", "/v1/holds/1", {"wait": 0.05})
        assert (first.status, first.json["granted"]) == (201, False)
        assert "ask again" in first.json["why"]
        assert arena.snapshot().holds[0].phase == "waiting"
        with api.connected() as client:
            client.request("PUT", "/v1/holds/1", b'{"wait": 10}')
            until(lambda: any(isinstance(order, Protect) for order in arena.orders), why="it was asked for")
            arena.answer_late()
            answer = client.getresponse()
            assert (answer.status, json.loads(answer.read())["granted"]) == (200, True)
        assert arena.snapshot().holds_taken == 1


def test_where_protection_is_required_a_hold_is_refused_without_it(tmp_path: Path) -> None:
    """Nothing is held then, and the job stays in the queue."""
    arena = Arena(before_start=True, grants=False, wait=0.05, fail_open=False)
    with served(tmp_path, arena) as api:
        refused = api.ask("PUT", "/v1/holds/1", {"wait": 10})
        assert (refused.status, arena.hold("api/1")) == (409, None)
        assert "no protection within" in refused.json["detail"]


def test_who_asks_while_the_task_is_stopped_is_told_not_to_begin(api: Served) -> None:
    """Who asks is refused; who says that it has begun is believed, and waited for."""
    api.arena.desk.post(StopRequested("SIGTERM"))
    refused = api.ask("PUT", "/v1/holds/1", {"wait": 0})
    assert (refused.status, api.arena.hold("api/1")) == (409, None)
    held = api.ask("PUT", "/v1/holds/2")
    assert (held.status, held.json["stopping"], held.json["accepting"]) == (201, True, False)
    assert held.json["seconds_left"] > 0


def test_a_hold_that_is_deleted_while_it_waits_is_refused(tmp_path: Path) -> None:
    """Whoever waited must not begin: nothing says any more that the work is in flight."""
    arena = Arena(before_start=True, grants=False, wait=60)
    with served(tmp_path, arena) as api, api.connected() as client:
        client.request("PUT", "/v1/holds/1", b'{"wait": 0.5}')
        until(lambda: arena.hold("api/1") is not None, why="it is asked for")
        api.ask("DELETE", "/v1/holds/1")
        answer = client.getresponse()
        assert (answer.status, "ended meanwhile" in str(json.loads(answer.read())["detail"])) == (409, True)


def test_health_and_admission_follow_the_task(api: Served) -> None:
    """A shell loop can use the status alone; the body says why."""
    paths = ("/livez", "/readyz", "/v1/accepting")
    assert [api.ask("GET", path).status for path in paths] == [200, 200, 200]
    assert api.ask("POST", "/v1/quiet", {"reason": "upgrade"}).status == 202
    assert [api.ask("GET", path).status for path in paths] == [200, 503, 503]
    assert api.ask("GET", "/v1/status").json["quiet_because"] == "upgrade"
    assert api.ask("POST", "/v1/resume").json["accepting"] is True
    assert api.ask("GET", "/readyz").status == 200


def test_a_drain_is_begun_with_a_deadline(api: Served) -> None:
    """The answer comes at once and says how much time is left for what is in flight."""
    api.ask("PUT", "/v1/holds/1")
    told = api.ask("POST", "/v1/drain", {"reason": "replace it", "deadline": 30})
    assert (told.status, told.json["phase"], told.json["accepting"]) == (202, "draining", False)
    assert 25 < told.json["seconds_left"] <= 30
    assert [dict(note.fields)["reason"] for note in api.arena.noted("task.draining")] == ["replace it"]
    assert api.ask("POST", "/v1/drain", {"now": True}).json["phase"] == "stopping"


def test_status_is_the_snapshot_and_who_we_are(api: Served) -> None:
    """What the core shows is told under its own names."""
    told = api.ask("GET", "/v1/status").json
    assert {"phase", "workers", "holds", "hooks", "protection", "stages", "exits_in"} <= set(told)
    assert (told["version"], told["pid"], told["identity"]) == ("1.2.3", os.getpid(), None)


def test_metrics_are_scraped(api: Served) -> None:
    """Standing, counts and the process itself, in the format that was asked for."""
    api.ask("PUT", "/v1/holds/1")
    until(lambda: api.arena.standing().protected, why="the protector answers")
    plain = api.ask("GET", "/metrics")
    lines = plain.body.decode().splitlines()
    assert plain.headers["Content-Type"].startswith("text/plain")
    for line in (
        'ecs_supervisor_phase{phase="running"} 1.0',
        "ecs_supervisor_holds 1.0",
        "ecs_supervisor_protected 1.0",
        'ecs_supervisor_agent_calls_total{call="protect",outcome="granted"} 1.0',
        'ecs_supervisor_build_info{version="1.2.3"} 1.0',
    ):
        assert line in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)
    other = api.ask("GET", "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert other.headers["Content-Type"].startswith("application/openmetrics-text")
    assert other.body.endswith(b"# EOF\n")


def test_steering_takes_the_token_of_the_moment(tmp_path: Path) -> None:
    """Without it nobody steers, holds need none, and a token that is changed counts at once."""
    token = tmp_path / "token"
    token.write_text("first\n")
    with served(tmp_path, token_file=token) as api:

        def quiet(given: str) -> int:
            return api.ask("POST", "/v1/quiet", headers={"Authorization": given}).status

        refused = api.ask("POST", "/v1/quiet")
        assert (refused.status, refused.headers["WWW-Authenticate"][:6]) == (401, "Bearer")
        assert [quiet("Bearer wrong"), quiet("first"), quiet("Bearer "), quiet("Bearer first")] == [
            401,
            401,
            401,
            202,
        ]
        assert api.ask("PUT", "/v1/holds/1").status == 201
        token.write_text("second")
        assert [quiet("Bearer first"), quiet("bearer second")] == [401, 202]
        token.write_text("")
        assert quiet("Bearer ") == 401
        token.unlink()
        assert quiet("Bearer second") == 503


def test_an_application_answers_below_its_mount(tmp_path: Path) -> None:
    """It sees the request as it came, on the same sockets and within the same limits."""
    seen = []

    def agent(environ, start_response):  # type: ignore[no-untyped-def]
        seen.append((environ["PATH_INFO"], environ["ecs_supervisor.connection"].is_unix))
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
        return [b"ok"]

    with served(tmp_path, mounts={"/agent": agent}) as api:
        assert api.ask("GET", "/agent/secret/state").body == b"ok"
        assert api.ask("GET", "/agents").status == 404
        assert api.ask("GET", "/agent", headers={"Host": "example.com"}).status == 421
        with api.connected(api.unix) as client:
            assert client.ask("GET", "/agent").body == b"ok"
    assert seen == [("/agent/secret/state", False), ("/agent", True)]


def test_a_defect_costs_only_the_request(tmp_path: Path) -> None:
    """What raises where nobody expects it is answered, noted once, and the next request is served."""

    def broken(*_: object) -> list[bytes]:
        raise KeyError("oh")

    with served(tmp_path, mounts={"/broken": broken}) as api, api.connected() as client:
        assert client.ask("GET", "/broken").json["type"].endswith(":defect")
        assert client.ask("GET", "/broken").status == 500
        assert client.ask("GET", "/livez").status == 200
        [told] = api.arena.noted("api.failed")
        assert dict(told.fields)["why"] == "KeyError: 'oh'"
        assert "broken" in str(dict(told.fields)["at"])
