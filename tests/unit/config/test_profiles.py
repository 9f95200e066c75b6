"""The kinds of worker."""

from __future__ import annotations

import pytest

from supervisor.config.profiles import PROFILES, WITHOUT_HOOK, Profile, profiles_table
from supervisor.core.sequence import Stage, parse, problems

every_profile = pytest.mark.parametrize(
    "profile", [*PROFILES.values(), *WITHOUT_HOOK.values()], ids=lambda profile: profile.name
)


@every_profile
@pytest.mark.parametrize(("stop_timeout", "exit_margin"), [(1, 0.1), (30, 2), (120, 2), (120, 60)])
def test_the_default_sequence_fits(profile: Profile, stop_timeout: float, exit_margin: float) -> None:
    """Every profile has a sequence for every stop timeout."""
    assert problems(profile.stages(stop_timeout, exit_margin), stop_timeout, exit_margin) == ()


@every_profile
def test_a_shape_uses_all_of_the_time(profile: Profile) -> None:
    """Its shares are parts of 100, and it can be read."""
    shape, wrong = parse(profile.shape)
    assert wrong == ()
    assert sum(stage.seconds for stage in shape[:-1]) == 100


@every_profile
def test_the_stop_signal_is_sent_once_and_before_kill(profile: Profile) -> None:
    """A second one means to drop everything to Dramatiq, RQ and Huey."""
    stops = [stage for stage in profile.stages(30, 2) if stage.kind == "stop"]
    assert [stage.signal for stage in stops] == [profile.stop_signal]


@every_profile
def test_only_the_main_process_is_signalled(profile: Profile) -> None:
    """A signal to the group would end the pool processes of Celery, Dramatiq and Huey with their jobs."""
    assert profile.signal_target == "main"


@every_profile
def test_quiet_by_signal_and_the_first_stage_agree(profile: Profile) -> None:
    """A worker that is quiet already is not sent the signal for it again, so both must be the same one."""
    quiets = [stage.signal for stage in profile.stages(30, 2) if stage.kind == "quiet"]
    assert quiets in ([], [profile.quiet_signal])


def test_a_plain_worker_is_made_quiet_before_it_is_stopped() -> None:
    """Nothing is known about its stop signal, so the longest part of the time is for the hooks."""
    assert PROFILES["plain"].stages(30, 2) == (
        Stage("quiet", None, 18.9),
        Stage("stop", "TERM", 8.1),
        Stage("kill", None, 1),
    )
    assert not PROFILES["plain"].stop_drains


def test_a_framework_is_quiet_before_it_is_stopped() -> None:
    """Its stop signal makes it finish its jobs too; Huey's graceful one is INT, and its TERM would lose jobs."""
    for name in ("celery", "rq", "dramatiq", "arq", "taskiq", "sidekiq", "bullmq"):
        assert PROFILES[name].stages(30, 2)[:2] == (Stage("quiet", None, 18.9), Stage("stop", "TERM", 8.1))
        assert PROFILES[name].stop_drains
    assert PROFILES["huey"].stages(30, 2)[1] == Stage("stop", "INT", 8.1)


def test_a_web_server_serves_on_before_it_is_stopped() -> None:
    """The load balancer sends requests until it has heard that the task goes."""
    for name in ("gunicorn", "uvicorn", "puma"):
        assert PROFILES[name].stages(30, 2)[0].kind == "wait"


def test_sidekiqs_signal_cannot_be_taken_back() -> None:
    """TSTP has no opposite there; all other profiles are quiet by their hooks, which can."""
    assert all(profile.resumable for profile in PROFILES.values())
    assert not WITHOUT_HOOK["sidekiq"].resumable
    assert WITHOUT_HOOK["sidekiq"].stages(30, 2)[0].signal == "TSTP"


def test_the_table_has_a_row_for_every_profile() -> None:
    """All that the README says of a kind of worker is said by its profile."""
    head, _, *rows = profiles_table().splitlines()
    columns = head.count("|")
    assert [row.split("`")[1] for row in rows] == list(PROFILES)
    assert all(row.count("|") == columns for row in rows)
    assert "`QUIET 18.9 TERM 8.1 KILL 1`" in rows[1]
