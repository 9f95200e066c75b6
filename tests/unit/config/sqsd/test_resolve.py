"""The options against each other."""

from __future__ import annotations

import pytest

from supervisor.core.sequence import format_stages
from tests.unit.config.sqsd.given import URL, settings, what_is_wrong

FIFO = f"{URL}.fifo"


def test_defaults() -> None:
    """Few connections, leases that are kept, nothing deleted for its age, protection before a message begins."""
    chosen = settings()
    assert (chosen.connections, chosen.visibility_timeout, chosen.keeps_leases) == (5, 300, True)
    assert (chosen.error_visibility, chosen.inactive_visibility, chosen.retention) == (2, None, None)
    assert (chosen.max_retries, chosen.is_strict, chosen.cron, chosen.cron_table) == (None, False, (), None)
    assert (chosen.run.protect, chosen.run.attaches) == ("before-start", False)
    assert settings("--protect", "at-start").run.protect == "at-start"


@pytest.mark.parametrize(
    ("argv", "stages"),
    [
        ((), "QUIET 25.65 TERM 1.35 KILL 1"),
        (("--", "puma"), "QUIET 20.25 TERM 6.75 KILL 1"),
        (("--stop-timeout", "120", "--", "uwsgi"), "QUIET 87.75 TERM 29.25 KILL 1"),
        (("--stop-sequence", "QUIET 9 TERM 5 KILL", "--", "puma"), "QUIET 9 TERM 5 KILL 1"),
    ],
)
def test_deliveries_end_before_the_app_is_stopped(argv: tuple[str, ...], stages: str) -> None:
    """An app that has its stop signal takes no request any more; until then it hears nothing."""
    chosen = settings(*argv)
    assert format_stages(chosen.run.stages) == stages
    assert chosen.stop_budget == chosen.run.stages[0].seconds
    assert chosen.run.profile.quiet_signal is None
    assert not chosen.run.profile.stop_drains


@pytest.mark.parametrize("sequence", ["TERM 5 KILL", "TSTP 5 TERM 5 KILL", "WAIT 5 TERM 5 KILL"])
def test_a_sequence_that_does_not_wait_for_deliveries_is_refused(sequence: str) -> None:
    """They would be cut short."""
    assert what_is_wrong("--stop-sequence", sequence, "--", "puma") == [
        "--stop-sequence sends a signal before the deliveries have ended"
    ]


@pytest.mark.parametrize(
    ("argv", "wait"),
    [
        ((), 5),
        (("--stop-timeout", "120"), 20),
        (("--stop-timeout", "300"), 20),
        (("--stop-timeout", "6"), 1),
        (("--poll-wait", "20"), 20),
        (("--poll-wait", "6", "--stop-sequence", "QUIET 9 TERM 5 KILL"), 6),
        (("--stop-timeout", "120", "--stop-sequence", "QUIET 9 TERM 5 KILL"), 6),
    ],
)
def test_a_poll_fits_into_a_stop(argv: tuple[str, ...], wait: int) -> None:
    """Nobody may have to abandon one; and where nothing is said a stop does not wait long for it."""
    assert settings(*argv).wait == wait


@pytest.mark.parametrize(
    ("argv", "wrong"),
    [
        (("--poll-wait", "20", "--stop-timeout", "20"), "--poll-wait is 20 s, but a stop leaves 16.15 s"),
        (("--poll-wait", "1.5"), "--poll-wait is 1.5"),
        (("--stop-timeout", "4"), "--stop-timeout leaves"),
        (("--stop-sequence", "QUIET 2 KILL"), "--stop-sequence leaves 2 s for deliveries"),
        (
            ("--extend-visibility", "no", "--visibility-timeout", "299"),
            "--visibility-timeout is 299 s while the app may take 299 s",
        ),
        (("--visibility-timeout", "0"), "--visibility-timeout is `0`"),
        (("--visibility-timeout", "30.5"), "--visibility-timeout is 30.5"),
        (("--retention-period", "90.5"), "--retention-period is 90.5"),
        (("--max-retries", "0"), "--max-retries is `0`"),
        (("--endpoint-url", "localhost:4566"), "--endpoint-url is `localhost:4566`"),
        (("--cron", "cron.yaml"), "--cron is given for a standard queue"),
        (("--cron-table", "leaders"), "--cron-table is given without periodic tasks"),
        (("--lease", "x"), "--lease is `x`"),
    ],
)
def test_what_does_not_fit_is_refused(argv: tuple[str, ...], wrong: str) -> None:
    """Each is told once, and nothing that follows from it."""
    (what,) = what_is_wrong(*argv)
    assert what.startswith(wrong)


def test_leases_that_are_not_kept_must_outlast_the_app() -> None:
    """Otherwise a message that is at work would be delivered again."""
    assert not settings("--extend-visibility", "no").keeps_leases


def test_a_number_that_was_given_is_used() -> None:
    """Also zero, where that means at once."""
    chosen = settings(
        *("--error-visibility-timeout", "0", "--inactive-visibility-timeout", "0"),
        *("--retention-period", "86400", "--max-retries", "10"),
    )
    assert (chosen.error_visibility, chosen.inactive_visibility) == (0, 0)
    assert (chosen.retention, chosen.max_retries) == (86_400, 10)


def test_region_and_endpoint_come_from_the_queue() -> None:
    """Unless they are given."""
    assert (settings().region, settings().endpoint_url) == ("eu-west-1", None)
    emulated = settings(url="http://localhost:4566/0/jobs")
    assert (emulated.region, emulated.endpoint_url) == (None, "http://localhost:4566")
    chosen = settings("--region", "eu-central-1", "--endpoint-url", "https://vpce.example")
    assert (chosen.region, chosen.endpoint_url) == ("eu-central-1", "https://vpce.example")


@pytest.mark.parametrize(
    "other", ["https://sqs.us-east-1.amazonaws.com/1/low", "http://localhost:4566/0/low"]
)
def test_all_queues_are_at_one_place(other: str) -> None:
    """One client talks to them."""
    assert what_is_wrong("--queue-url", other) == [
        "--queue-url names queues of different regions or addresses"
    ]


def test_strict_order_has_no_weights() -> None:
    """They would mean nothing."""
    assert settings("--queue-order", "strict").is_strict
    assert what_is_wrong("--queue-order", "strict", url=f"{URL},2") == [
        "--queue-order is `strict` although queues have weights"
    ]


@pytest.mark.parametrize(("url", "argv"), [(FIFO, ()), (URL, ("--cron-table", "leaders"))])
def test_periodic_tasks_need_somebody_who_decides(url: str, argv: tuple[str, ...]) -> None:
    """A FIFO queue drops what is sent twice; for a standard queue it is a table."""
    chosen = settings("--cron", "cron.yaml", *argv, url=url)
    assert [(task.name, task.url) for task in chosen.cron] == [("a", "/a")]
    assert chosen.cron_table == (argv[1] if argv else None)


def test_a_file_of_periodic_tasks_is_read_with_everything_else() -> None:
    """What is wrong with it is told at once with the rest."""
    assert what_is_wrong("--cron", "bad.yaml", "--lease", "x", url=FIFO) == [
        "line 4 of bad.yaml has the URL `a`: it does not begin with `/`",
        "line 5 of bad.yaml has `24` for the hour",
        "--lease is `x`",
    ]
    (missing,) = what_is_wrong("--cron", "missing.yaml", url=FIFO)
    assert missing.startswith("--cron names missing.yaml, which cannot be read (No such file or directory)")
