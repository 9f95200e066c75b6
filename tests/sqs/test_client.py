"""The clients: what they are made of, and what they say where they cannot be made or cannot sign."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import botocore.session
import pytest

from supervisor.adapters.sqs import client
from supervisor.adapters.sqs.client import Clients, make_clients
from supervisor.adapters.sqs.queue import Queue
from supervisor.adapters.sqs.trouble import Kind, Trouble
from supervisor.emulator.sqs.server import SqsServer
from tests.sqs.polling import REGION


@pytest.mark.parametrize("proxy", [None, "http://proxy:3128"])
def test_a_poll_may_take_longer_than_its_wait(monkeypatch: pytest.MonkeyPatch, proxy: str | None) -> None:
    """A limit within it would give up polls that go on taking messages; by whatever way it is asked."""
    limits: list[float] = []

    def asks(client: Any) -> Any:
        limits.append(client.meta.config.read_timeout)

    def direct(*_: Any, answer_seconds: float, **__: Any) -> Any:
        limits.append(answer_seconds)

    monkeypatch.setattr(client, "_through", asks)
    monkeypatch.setattr(client, "Direct", direct)
    if proxy is not None:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert isinstance(make_clients(REGION, None, wait_seconds=20, connections=3), Clients)
    assert limits == [30, 10]


@pytest.mark.parametrize("endpoint", ["not a url", "http://"])
def test_an_endpoint_that_is_none_is_told(endpoint: str) -> None:
    """As a value: nothing is raised."""
    made = make_clients(REGION, endpoint, wait_seconds=20, connections=1)
    assert isinstance(made, Trouble)
    assert made.kind is Kind.OTHER


def test_certificates_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a value, with the path that was set."""
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere.pem")
    monkeypatch.setattr(botocore.session, "get_session", botocore.session.Session)
    made = make_clients(REGION, None, wait_seconds=20, connections=1)
    assert isinstance(made, Trouble)
    assert (made.kind, made.code) == (Kind.OTHER, "FileNotFoundError")
    assert "/nowhere.pem" in made.detail


def test_without_a_region_there_is_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what is missing."""
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    made = make_clients(None, None, wait_seconds=20, connections=1)
    assert isinstance(made, Trouble)
    assert (made.kind, made.code) == (Kind.OTHER, "NoRegion")


def test_the_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to install."""
    monkeypatch.setitem(sys.modules, "botocore.config", None)
    made = make_clients(REGION, None, wait_seconds=20, connections=1)
    assert isinstance(made, Trouble)
    assert made.code == "NotInstalled"
    assert "ecs-supervisor[sqs]" in made.detail


def test_without_credentials_a_call_says_so(monkeypatch: pytest.MonkeyPatch, stand_in: SqsServer) -> None:
    """Nothing is sent then."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    fresh = botocore.session.Session()
    monkeypatch.setattr(botocore.session, "get_session", lambda: fresh)
    made = make_clients(REGION, stand_in.url, wait_seconds=20, connections=1)
    assert isinstance(made, Clients)
    trouble = Queue(made, stand_in.create_queue("jobs")).receiver().receive(1, 0, 30)
    assert isinstance(trouble, Trouble)
    assert trouble.kind is Kind.CREDENTIALS
    assert stand_in.calls() == []


def test_an_entry_that_is_not_answered_is_in_trouble(stand_in: SqsServer) -> None:
    """A service that forgets one has not promised anything about it."""
    made = make_clients(REGION, stand_in.url, wait_seconds=20, connections=1)
    assert isinstance(made, Clients)
    forgetful = replace(made, acts=lambda *_: {"Successful": [{"Id": "0"}]})
    done, forgotten = Queue(forgetful, "http://x/1/jobs").delete_many(["a", "b"])
    assert done is None
    assert forgotten is not None
    assert (forgotten.code, forgotten.maybe_done) == ("NotAnswered", True)
