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


def test_processor_time_alone_is_no_probe() -> None:
    """It sees a job that computes and no other, so a second probe should look for the rest."""
    (doubt,) = doubts_about("--probe", "cpu=50")
    assert doubt.startswith("Processor time is the only probe")
    assert doubts_about("--probe", "cpu=50", "--probe", "children") == ()


def test_a_probe_needs_time_to_believe_in_idle() -> None:
    """A quiet stage that is shorter than the settle time ends before anybody knows."""
    words = ("--probe", "title=busy", "--stop-sequence")
    assert doubts_about(*words, "TSTP 20 TERM 5 KILL") == doubts_about(*words, "TERM 5 KILL") == ()
    (doubt,) = doubts_about(*words, "TSTP 5 TERM 5 KILL")
    assert doubt.startswith("A probe believes in idle after 7 s, but `TSTP` lasts 5 s")
    assert "`QUIET` lasts 5 s" in doubts_about(*words, "QUIET 5 TERM 5 KILL")[0]
