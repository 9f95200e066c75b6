"""How long a worker has from its stop signal until it is killed."""

from __future__ import annotations

import time

import pytest

from supervisor.hooks._client import Client
from supervisor.hooks._limits import LEAST_SECONDS, LIMIT_VARIABLE, is_over, stop_limit
from tests.unit.hooks.fake_supervisor import FakeSupervisor


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(
    ("given", "limit"), [("7.5", 6.5), ("1.2", LEAST_SECONDS), ("", None), ("soon", None)]
)
def test_before_anything_is_said_the_environment_knows(
    given: str, limit: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `run` has put there, less a margin, and never nothing."""
    monkeypatch.setenv(LIMIT_VARIABLE, given)
    assert stop_limit(1.0) == limit


def test_what_the_supervisor_says_goes_first(
    supervisor: FakeSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a stop has begun it knows how much is left."""
    from supervisor.hooks import _client
    from tests.waiting import until

    monkeypatch.setenv(LIMIT_VARIABLE, "500")
    supervisor.say(
        {"op": "state", "phase": "draining", "accepting": False, "stopping": True, "seconds_left": 20}
    )
    until(lambda: _client.client().look().stopping, why="it has been heard")
    limit = stop_limit(1.0)
    assert limit is not None
    assert 10 < limit <= 19


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize("has_died", [False, True])
def test_the_time_is_up_only_where_somebody_kills(has_died: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A supervisor that died since the stop began kills nobody, so the jobs have all the time they take."""
    monkeypatch.setattr(Client, "supervisor_is_dead", lambda _: has_died)
    assert is_over(time.monotonic()) is not has_died
    assert not is_over(time.monotonic() + 60)
