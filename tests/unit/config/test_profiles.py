"""The kinds of worker."""

from __future__ import annotations

import pytest

from supervisor.config.profiles import PROFILES, Profile, profiles_table
from supervisor.core.sequence import Stage, parse, problems

every_profile = pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)


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


def test_a_worker_that_drains_at_its_stop_signal_gets_it_at_once() -> None:
    """All of the time is its own then; Huey's graceful signal is INT, and its TERM would lose jobs."""
    assert PROFILES["celery"].stages(30, 2) == (Stage("stop", "TERM", 27), Stage("kill", None, 1))
    assert PROFILES["huey"].stages(30, 2) == (Stage("stop", "INT", 27), Stage("kill", None, 1))
    assert all(PROFILES[name].stop_drains for name in ("celery", "rq", "dramatiq", "huey", "gunicorn"))


def test_sidekiq_cannot_take_quiet_back() -> None:
    """TSTP has no opposite there; all other profiles are quiet by their hooks, which can."""
    assert [name for name, profile in PROFILES.items() if not profile.resumable] == ["sidekiq"]
    assert PROFILES["sidekiq"].stages(30, 2)[0].signal == "TSTP"


def test_the_table_has_a_row_for_every_profile() -> None:
    """Its name, its sequence for a stop timeout of 30 s, and the reason."""
    head, _, *rows = profiles_table().splitlines()
    assert head == "| Profile | Sequence for 30 s | Why |"
    assert [row.split("`")[1] for row in rows] == list(PROFILES)
    assert rows[1].startswith("| `celery` | `TERM 27 KILL 1` | TERM is Celery's warm shutdown")
