"""What an arbiter reads out of its worker's environment."""

from __future__ import annotations

import pytest

from supervisor.arbiter.settings import APPLICABLE, read_settings
from supervisor.config.options import OPTIONS
from supervisor.config.policies import RECONNECT_SECONDS, protection_policy
from supervisor.hooks import _connection


def test_without_settings_the_defaults_count() -> None:
    """They are those of `run`, but for the log, which is the worker's own: only what is wrong is told in it."""
    settings, doubts = read_settings({"ECS_AGENT_URI": "http://agent"})
    assert doubts == []
    assert (settings.protect, settings.lease_minutes, settings.release_delay) == ("at-start", 60, 30.0)
    assert settings.log_level == "warning"
    assert settings.agent_uri == "http://agent"


def test_what_applies_is_read_and_the_rest_is_left() -> None:
    """A variable that is about a supervisor's worker means nothing here, whatever it says."""
    environ = {
        "ECS_SUPERVISOR_LEASE": "10",
        "ECS_SUPERVISOR_RENEW_BEFORE": "4",
        "ECS_SUPERVISOR_LOG_LEVEL": " error ",
        "ECS_SUPERVISOR_STOP_TIMEOUT": "never",
        "ECS_SUPERVISOR_CONFIG": "/nowhere.toml",
    }
    settings, doubts = read_settings(environ)
    assert doubts == []
    assert (settings.lease_minutes, settings.renew_before_minutes, settings.log_level) == (10, 4.0, "error")


def test_each_unusable_value_is_told_and_counts_as_not_given() -> None:
    """The good ones keep their effect."""
    environ = {
        "ECS_SUPERVISOR_LEASE": "10",
        "ECS_SUPERVISOR_RENEW_BEFORE": "20",
        "ECS_SUPERVISOR_PROTECT": "perhaps",
        "ECS_SUPERVISOR_RELEASE_DELAY": "40",
    }
    settings, doubts = read_settings(environ)
    assert len(doubts) == 2
    assert all("the default is used" in doubt for doubt in doubts)
    assert (settings.lease_minutes, settings.renew_before_minutes) == (10, 5.0)
    assert (settings.protect, settings.release_delay) == ("at-start", 40.0)


@pytest.mark.parametrize("key", APPLICABLE)
def test_what_applies_is_an_option_of_run(key: str) -> None:
    """Nothing is set here by a name of its own."""
    assert key in OPTIONS


def test_the_release_waits_for_everybody_to_come_back() -> None:
    """A shorter delay is lengthened, by twice the longest pause of a client; a longer one stays."""
    longest_pause = 1.5 * _connection.LAST_RETRY_SECONDS
    assert longest_pause * 2 <= RECONNECT_SECONDS
    short, _ = read_settings({"ECS_SUPERVISOR_RELEASE_DELAY": "1"})
    assert protection_policy(short, RECONNECT_SECONDS).release_delay == RECONNECT_SECONDS
    long, _ = read_settings({"ECS_SUPERVISOR_RELEASE_DELAY": "100"})
    assert protection_policy(long, RECONNECT_SECONDS).release_delay == 100.0
