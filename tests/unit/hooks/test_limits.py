"""How long a worker has from its stop signal until it is killed."""

from __future__ import annotations

import pytest

from supervisor.hooks._limits import LEAST_SECONDS, LIMIT_VARIABLE, stop_limit
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
