"""The core's policy, made of settings."""

from __future__ import annotations

from supervisor.config.sqsd.policies import delivery_policy
from tests.unit.config.sqsd.given import URL, settings


def test_everything_arrives() -> None:
    """Under the core's names."""
    chosen = settings(
        *(
            "--http-connections",
            "7",
            "--poll-wait",
            "4",
            "--visibility-timeout",
            "60",
            "--extend-visibility",
            "no",
        ),
        *(
            "--inactivity-timeout",
            "50",
            "--error-visibility-timeout",
            "3",
            "--inactive-visibility-timeout",
            "9",
        ),
        *("--retention-period", "86400", "--success-status", "200,204", "--queue-order", "strict"),
        *("--health-every", "11", "--", "puma"),
        url=f"{URL} {URL}.fifo",
    )
    policy = delivery_policy(chosen, "task-1")
    assert [(queue.name, queue.is_fifo, queue.batch) for queue in policy.queues] == [
        ("jobs", False, 10),
        ("jobs.fifo", True, 1),
    ]
    assert (policy.connections, policy.prefetch, policy.slots, policy.wait) == (7, 0, 7, 4)
    assert (policy.visibility_timeout, policy.keeps_leases, policy.inactivity_timeout) == (60, False, 50)
    assert (policy.error_visibility, policy.inactive_visibility, policy.retention) == (3, 9, 86_400)
    assert (policy.success, policy.is_strict, policy.check_every) == ({200, 204}, True, 11)
    assert (policy.stop_budget, policy.app_outlives, policy.identity) == (20.25, 0.0, "task-1")


def test_nobody_knows_how_long_an_app_lives_that_we_have_not_started() -> None:
    """The order of the containers decides."""
    assert delivery_policy(settings(), "").app_outlives is None


def test_weights_arrive() -> None:
    """They are shares of the room."""
    assert [queue.weight for queue in delivery_policy(settings(url=f"{URL},3"), "").queues] == [3]
