"""What a sidecar is told, and what it makes of it."""

from __future__ import annotations

import pytest

from supervisor.config.load import Answer
from supervisor.config.sidecar import SidecarSettings, doubts, load
from supervisor.core.sequence import format_stages
from supervisor.core.status import CONFIG, USAGE


def settings(*argv: str, **environ: str) -> SidecarSettings:
    outcome = load(list(argv), environ, str)
    assert isinstance(outcome, SidecarSettings), outcome.text
    return outcome


def refusal(*argv: str, **environ: str) -> Answer:
    outcome = load(list(argv), environ, str)
    assert isinstance(outcome, Answer)
    return outcome


def test_nothing_need_be_said() -> None:
    """The API listens where all containers of the task reach it, and nearly all the time is for the work in flight."""
    it = settings()
    assert (it.container, it.pattern, it.early_notice, it.stops_worker) == (None, None, False, False)
    assert it.run.api.addresses == ("127.0.0.1:8126",)
    assert format_stages(it.run.stages) == "QUIET 25.65 TERM 1.35 KILL 1"
    assert not it.run.profile.stop_drains


def test_what_is_given_is_read() -> None:
    """From flags, variables and the sidecar's own table in the file alike."""
    assert settings("--worker-pattern", "celery.*worker").pattern is not None
    assert settings(ECS_SUPERVISOR_WORKER_CONTAINER="app").container == "app"
    text = '[sidecar]\nearly-notice = true\napi = ["unix:/run/shared/api"]'
    outcome = load(["--config", "a.toml"], {}, lambda _: text)
    assert isinstance(outcome, SidecarSettings)
    assert outcome.early_notice
    assert outcome.run.api.addresses == ("unix:/run/shared/api",)


def test_an_option_of_run_means_the_same() -> None:
    """What the two commands have in common is read in one way."""
    it = settings("--stop-timeout", "120", "--protect", "after=5", "--socket", "/shared/hooks")
    assert (it.run.stop_timeout, it.run.protect_after, it.run.socket) == (120.0, 5.0, "/shared/hooks")


@pytest.mark.parametrize(
    ("argv", "stages", "quiet"),
    [
        (("--early-notice",), "TSTP 25.65 TERM 1.35 KILL 1", "TSTP"),
        ((), "QUIET 25.65 TERM 1.35 KILL 1", "TSTP"),
        (("--early-notice", "--stop-worker"), "TSTP 18.9 TERM 8.1 KILL 1", "TSTP"),
        (("--stop-sequence", "QUIET 5 TERM 5 KILL"), "QUIET 5 TERM 5 KILL 1", "TSTP"),
    ],
)
def test_signals_go_to_a_worker_that_is_seen(argv: tuple[str, ...], stages: str, quiet: str) -> None:
    """The profile says which; one that ECS signals first needs none to be quiet at the stop."""
    it = settings("--worker-container", "app", "--profile", "sidekiq", *argv)
    assert format_stages(it.run.stages) == stages
    assert it.run.profile.quiet_signal == quiet


def test_no_signal_is_meant_for_a_worker_that_is_not_seen() -> None:
    """Its profile does not matter: it is told to be quiet by the API and the socket, and that can be taken back."""
    it = settings("--profile", "sidekiq", "--early-notice")
    assert it.run.profile.quiet_signal is None
    assert it.run.profile.resumable


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("--worker-pattern", "a("), "cannot be read"),
        (("--worker-pattern", "a", "--worker-container", "b"), "beside a container"),
        (("--early-notice", "--stop-worker"), "nobody to stop"),
        (("--worker-pattern", "a", "--stop-worker"), "without --early-notice"),
        (("--stop-timeout", "never"), "is `never`"),
        (("--early-notice=perhaps", "--worker-pattern", "a", "--stop-worker"), "give one of no, yes"),
    ],
)
def test_what_does_not_go_together_is_refused(argv: tuple[str, ...], says: str) -> None:
    """As bad configuration, with what to do."""
    answer = refusal(*argv)
    assert answer.status == CONFIG
    assert says in answer.text
    assert len(answer.problems) == 1


def test_all_problems_are_told_at_once() -> None:
    """Those of the sidecar's own options, those it shares with `run`, and those of the command line."""
    answer = refusal(
        "--lease", "0", "--worker-pattern", "a(", "--restart", "never", ECS_SUPERVISOR_ATTACH_="x"
    )
    assert len(answer.problems) == 4
    assert answer.status == USAGE


def test_a_sidecar_starts_nothing() -> None:
    """A command after the options is a mistake, most likely `run` was meant."""
    answer = refusal("--", "celery", "worker")
    assert answer.status == USAGE
    assert "`celery` is no option; nothing would be done with it" in answer.text


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ((), None),
        (
            ("--early-notice", "--worker-container", "app", "--profile", "rq"),
            "no signal that makes the worker quiet",
        ),
        (("--early-notice", "--worker-container", "app", "--profile", "sidekiq"), None),
        (("--early-notice",), None),
    ],
)
def test_what_is_perhaps_not_meant_is_doubted(argv: tuple[str, ...], says: str | None) -> None:
    """Nothing is refused for it."""
    found = doubts(settings(*argv, ECS_AGENT_URI="http://169.254.170.2/api/1"))
    assert len(found) == (says is not None)
    assert says is None or says in found[0]
