"""What is allowed but may not be meant."""

from __future__ import annotations

from supervisor.config.doubts import doubts
from supervisor.config.load import load
from supervisor.config.settings import RunSettings


def doubts_about(*words: str, on_ecs: bool = True) -> tuple[str, ...]:
    settings = load([*words, "worker"], {"ECS_AGENT_URI": "http://agent"} if on_ecs else {}, str)
    assert isinstance(settings, RunSettings)
    return doubts(settings)


def test_the_defaults_are_beyond_doubt() -> None:
    """On ECS and elsewhere."""
    assert doubts_about() == doubts_about(on_ecs=False) == ()


def test_fargate_would_not_give_so_long_a_stop_timeout() -> None:
    """120 s is the most there; on EC2 more is possible, so it is no mistake."""
    assert doubts_about("--stop-timeout", "120") == ()
    assert doubts_about("--stop-timeout", "300") == ("The stop timeout is 300 s, but Fargate allows 120 s.",)


def test_ecs_sends_term() -> None:
    """Without it among the stop signals an ordinary stop would pass us by."""
    (doubt,) = doubts_about("--stop-signals", "INT")
    assert doubt.startswith("TERM is not among the stop signals")


def test_a_job_is_protected_before_a_stop_would_cut_it_short() -> None:
    """Younger jobs have only what a stop leaves them, so protection should begin no later than that."""
    assert doubts_about("--protect", "after=27") == ()
    (doubt,) = doubts_about("--protect", "after=60")
    assert doubt == (
        "Jobs are protected after 60 s, but a stop leaves them only 27 s: a scale-in before that can cut one short."
    )


def test_a_stop_that_only_kills_leaves_a_job_nothing() -> None:
    """The kill stage gives no time to work."""
    (doubt,) = doubts_about("--protect", "after=1", "--stop-sequence", "KILL")
    assert "a stop leaves them only 0 s" in doubt


def test_protection_that_is_switched_off_on_ecs_is_told() -> None:
    """Elsewhere there is none to have."""
    assert doubts_about("--protect", "never") == (
        "Protection is off: a scale-in may stop this task while it works.",
    )
    assert doubts_about("--protect", "never", on_ecs=False) == ()
