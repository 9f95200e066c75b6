"""What the settings mean to the core."""

from __future__ import annotations

import pytest

from supervisor.config.policies import hold_policy, protection_policy
from supervisor.config.reading import Given
from supervisor.config.resolve import resolve
from supervisor.config.settings import RunSettings
from supervisor.core.holds import HoldPolicy
from supervisor.core.protection import ProtectionPolicy, WhenBlocked


def settings(**options: str) -> RunSettings:
    given = {key: Given(text, key) for key, text in options.items()}
    resolved = resolve(given, ("true",), {}, lambda _: "")
    assert isinstance(resolved, RunSettings)
    return resolved


def test_the_defaults_agree() -> None:
    """The table of options and the core do not have different opinions."""
    assert hold_policy(settings()) == HoldPolicy()
    assert protection_policy(settings()) == ProtectionPolicy()


@pytest.mark.parametrize(
    ("protect", "policy"),
    [
        ("at-start", HoldPolicy(wait=3.0)),
        ("after=20", HoldPolicy(after=20.0, wait=3.0)),
        ("before-start", HoldPolicy(before_start=True, wait=3.0)),
    ],
)
def test_when_a_job_counts(protect: str, policy: HoldPolicy) -> None:
    """From its start, only when it has lasted, or before it begins."""
    assert hold_policy(settings(protect=protect, protect_wait="3")) == policy


def test_minutes_become_seconds() -> None:
    """ECS counts in minutes, the core in seconds, and no budget is one without end."""
    made = protection_policy(
        settings(lease="10", renew_before="4", protected_budget="2", when_blocked="keep-trying")
    )
    assert (made.lease_minutes, made.renew_before, made.budget) == (10, 240.0, 120.0)
    assert made.when_blocked is WhenBlocked.KEEP_TRYING


def test_where_no_job_may_start_unprotected_the_window_counts_for_refusals_too() -> None:
    """The next job would only be refused as well."""
    strict = settings(protect="before-start", protect_failure="closed", release_window="7")
    assert protection_policy(strict).refused_window == 7.0
    assert protection_policy(settings(release_window="7")).refused_window == 0.0


def test_what_can_be_given_back_is_not_asked_for_again_within_the_window() -> None:
    """A message that is received and refused over and over ends as a dead letter."""
    before_start = settings(protect="before-start", release_window="7")
    assert protection_policy(before_start, turns_back=True).refused_window == 7.0
    assert protection_policy(before_start).refused_window == 0.0
    assert protection_policy(settings(release_window="7"), turns_back=True).refused_window == 0.0


def test_a_release_delay_can_have_a_floor() -> None:
    """Whatever the settings say."""
    assert protection_policy(settings(release_delay="1"), least_release_delay=5.0).release_delay == 5.0
    assert protection_policy(settings(release_delay="9"), least_release_delay=5.0).release_delay == 9.0
