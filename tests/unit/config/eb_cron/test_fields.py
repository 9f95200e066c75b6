"""Cron's five fields."""

from __future__ import annotations

import pytest

from supervisor.config.eb_cron.fields import parse_schedule
from supervisor.config.eb_cron.tasks import Schedule


def parsed(text: str) -> Schedule:
    schedule, wrong = parse_schedule(text)
    assert schedule is not None
    assert wrong == ()
    return schedule


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("*", range(60)),
        ("7", [7]),
        ("5-8", [5, 6, 7, 8]),
        ("*/20", [0, 20, 40]),
        ("10-30/10", [10, 20, 30]),
        ("50/5", [50, 55]),
        ("1,3,3,5-6", [1, 3, 5, 6]),
    ],
)
def test_a_field_means_numbers(field: str, values: list[int]) -> None:
    """Lists, spans and steps, together as well."""
    assert parsed(f"{field} * * * *").minutes == set(values)


def test_months_and_weekdays_have_names() -> None:
    """Whatever their case; Sunday is 0 and 7."""
    schedule = parsed("0 0 * jan,Feb-APR sun,5-7")
    assert schedule.months == {1, 2, 3, 4}
    assert schedule.weekdays == {0, 5, 6}
    assert parsed("0 0 * * */2").weekdays == {0, 2, 4, 6}


def test_a_star_is_not_the_same_as_all() -> None:
    """With two kinds of days given, one that fits will do."""
    assert (parsed("0 0 * * *").any_day, parsed("0 0 * * *").any_weekday) == (True, True)
    assert (parsed("0 0 1-31 * 0-6").any_day, parsed("0 0 1-31 * 0-6").any_weekday) == (False, False)


@pytest.mark.parametrize("text", ["", "@daily", "* * * *", "0 0 * * * *", "0 0 12 * * ? *"])
def test_there_are_five_fields(text: str) -> None:
    """No more and no less."""
    assert parse_schedule(text)[1][0][0] == f"has the schedule `{text}`, which has not five fields"


@pytest.mark.parametrize(
    "field",
    ["60", "-1", "x", "", "1,", "5-1", "1-", "*/0", "*/x", "*/-1", "1/2/3", "²", "MON", "1-60", "?", "L"],
)
def test_a_field_that_cannot_be_read_is_named(field: str) -> None:
    """With what it is for."""
    assert parse_schedule(f"{field} * * * *".replace(" *", " *") if field else ", * * * *")[1][0][0] == (
        f"has `{field or ','}` for the minute"
    )


def test_all_wrong_fields_are_named() -> None:
    """At once."""
    wrong = parse_schedule("60 24 32 13 8")[1]
    assert [what for what, _ in wrong] == [
        "has `60` for the minute",
        "has `24` for the hour",
        "has `32` for the day of the month",
        "has `13` for the month",
        "has `8` for the day of the week",
    ]


@pytest.mark.parametrize("text", ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *"])
def test_a_day_that_never_comes_is_told(text: str) -> None:
    """Such a task would never run, and nobody would know."""
    assert parse_schedule(text)[1][0][0] == f"has the schedule `{text}`, a day that no such month has"


@pytest.mark.parametrize("text", ["0 0 29 2 *", "0 0 31 2,3 *", "0 0 30 2 MON"])
def test_a_day_that_comes_now_and_then_is_fine(text: str) -> None:
    """Or where weekdays count as well."""
    assert parse_schedule(text)[1] == ()
