"""The jobs of the demo."""

from __future__ import annotations

from supervisor.config.load import Answer, load
from supervisor.demo.side import OPTIONS
from supervisor.demo.stream import (
    AGE_AT_STOP_SECONDS,
    DEPLOY_AT,
    DRAIN_SECONDS,
    SCALE_IN_AT,
    STOP_TIMEOUT_SECONDS,
    TASKS_AT_FIRST,
    TASKS_LATER,
    jobs,
)


def test_a_seed_gives_the_same_jobs_again() -> None:
    """Two runs with one seed can be compared; another seed gives other lengths."""
    assert jobs(1) == jobs(1)
    assert jobs(1) != jobs(2)


def test_the_order_of_names_is_the_order_of_the_queue() -> None:
    """The queue gives jobs out by name."""
    stream = jobs(1)
    assert list(stream) == sorted(stream, key=lambda job: (job.at, job.name))
    assert [job.name for job in stream] == sorted(job.name for job in stream)


def test_the_story_is_the_same_for_every_seed() -> None:
    """Of the two jobs whose task is stopped, one fits into the drain and the other not even into the stop timeout.

    Those that the scale-in and the deployment find running do not fit into it either, so that a worker which
    finishes its job at SIGTERM needs protection too.
    """
    for seed in range(200):
        for began_at, hit_at, tasks in ((0.0, SCALE_IN_AT, TASKS_AT_FIRST), (12.0, DEPLOY_AT, TASKS_LATER)):
            for job in [job for job in jobs(seed) if job.at == began_at][:tasks]:
                assert job.at + job.seconds - hit_at > STOP_TIMEOUT_SECONDS
        fits, too_long = (job for job in jobs(seed) if job.is_stopped)
        # A second is left for a machine that is busy.
        assert fits.seconds - AGE_AT_STOP_SECONDS + 1 < DRAIN_SECONDS
        assert too_long.seconds - AGE_AT_STOP_SECONDS > STOP_TIMEOUT_SECONDS


def test_the_supervisor_of_the_demo_is_configured_as_the_demo_says() -> None:
    """The drain that jobs are judged by is the quiet stage of the supervisor's own stop sequence."""
    settings = load([*OPTIONS, "--", "true"], {}, lambda _: "")
    assert not isinstance(settings, Answer)
    assert settings.stop_timeout == STOP_TIMEOUT_SECONDS
    assert settings.stages[0].seconds == DRAIN_SECONDS
