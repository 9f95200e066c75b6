"""When a schedule is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.eb_cron.fields import parse_schedule
from supervisor.config.eb_cron.runs import next_run


def upcoming(cron: str, after: str) -> str:
    schedule, _ = parse_schedule(cron)
    assert schedule is not None
    at = next_run(schedule, datetime.fromisoformat(after).timestamp())
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("* * * * *", "2026-11-23 00:00:00Z", "2026-11-23 00:01:00"),
        ("* * * * *", "2026-11-23 00:00:59.9Z", "2026-11-23 00:01:00"),
        ("0 1 * * *", "2026-11-23 01:00:00Z", "2026-11-24 01:00:00"),
        ("0 1 * * *", "2026-11-23 00:59:59Z", "2026-11-23 01:00:00"),
        ("0 0 1 1 *", "2026-01-01 00:00:00Z", "2027-01-01 00:00:00"),
        ("0 0 29 2 *", "2096-03-01 00:00:00Z", "2104-02-29 00:00:00"),
        ("0 0 * * 0", "2026-11-23 00:00:00Z", "2026-11-29 00:00:00"),
        ("0 0 1 * MON", "2026-11-24 00:00:00Z", "2026-11-30 00:00:00"),
        ("0 0 1 * MON", "2026-11-30 00:00:00Z", "2026-12-01 00:00:00"),
    ],
)
def test_the_next_run_is_later(cron: str, after: str, expected: str) -> None:
    """In UTC, at a full minute; of two kinds of days either will do."""
    assert upcoming(cron, after) == expected


def test_a_day_that_never_comes_has_no_run() -> None:
    """It is refused when it is read; nothing hangs all the same."""
    schedule, _ = parse_schedule("0 0 1 1 *")
    assert schedule is not None
    assert next_run(schedule.replaced(months=frozenset()), 0.0) == float("inf")


def field(least: int, most: int) -> st.SearchStrategy[str]:
    numbers = st.lists(st.integers(least, most), min_size=1, max_size=3).map(
        lambda found: ",".join(map(str, found))
    )
    return st.one_of(st.just("*"), numbers, numbers)


@given(
    st.tuples(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 7)).map(" ".join),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - cronsim's own are without a zone
)
def test_it_is_the_run_that_cron_has(cron: str, after: datetime) -> None:
    """A library that imitates Debian's cron says the same."""
    expected = next(CronSim(cron, after))
    assert upcoming(cron, after.replace(tzinfo=UTC).isoformat()) == expected.strftime("%Y-%m-%d %H:%M:%S")
    assert expected - after > timedelta(0)
