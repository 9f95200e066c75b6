"""Reads the five fields of a cron schedule into the minutes, hours, days, months and weekdays that they mean."""

from __future__ import annotations

from supervisor.core.frozen import Frozen

from .tasks import Schedule

# A problem: what is wrong, and what to do.
Wrong = tuple[str, str]

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

# Sunday is 0 and 7.
_SATURDAY, _SUNDAY_TOO = 6, 7

_LONGEST_MONTH = dict.fromkeys(range(1, 13), 31) | {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}

_FIX = "give five fields as cron has them: minute, hour, day of the month, month, day of the week, in UTC"


class Field(Frozen):
    """first: the number of the first name."""

    name: str
    least: int
    most: int
    names: tuple[str, ...]
    first: int


_FIELDS = (
    Field("minute", 0, 59, (), 0),
    Field("hour", 0, 23, (), 0),
    Field("day of the month", 1, 31, (), 0),
    Field("month", 1, 12, _MONTHS, 1),
    Field("day of the week", 0, _SUNDAY_TOO, WEEKDAYS, 0),
)


def parse_schedule(text: str) -> tuple[Schedule | None, tuple[Wrong, ...]]:
    """Return the schedule; None, and what is wrong, where it is none."""
    words = text.split()
    if len(words) != len(_FIELDS):
        return None, ((f"has the schedule `{text}`, which has not five fields", _FIX),)
    parsed = [_parse_field(field, word) for field, word in zip(_FIELDS, words, strict=True)]
    wrong = tuple(
        (
            f"has `{word}` for the {field.name}",
            f"give {field.least} to {field.most}, as in `1`, `1-5`, `*/2` or `1,3`",
        )
        for field, word, values in zip(_FIELDS, words, parsed, strict=True)
        if values is None
    )
    if wrong:
        return None, wrong
    minutes, hours, days, months, weekdays = (values or frozenset() for values in parsed)
    schedule = Schedule(
        minutes,
        hours,
        days,
        months,
        frozenset(day % _SUNDAY_TOO for day in weekdays),
        any_day=words[2] == "*",
        any_weekday=words[4] == "*",
    )
    if schedule.any_weekday and min(days) > max(_LONGEST_MONTH[month] for month in months):
        return None, (
            (f"has the schedule `{text}`, a day that no such month has", "choose another day or month"),
        )
    return schedule, ()


def _parse_field(field: Field, word: str) -> frozenset[int] | None:
    values: set[int] = set()
    for part in word.split(","):
        found = _parse_part(field, part)
        if found is None:
            return None
        values.update(found)
    return frozenset(values)


def _parse_part(field: Field, part: str) -> range | None:
    span, slash, step_text = part.partition("/")
    step = _digits(step_text) if slash else 1
    ends = _ends(field, span, goes_on=bool(slash))
    if not step or ends is None or not field.least <= ends[0] <= ends[1] <= field.most:
        return None
    return range(ends[0], ends[1] + 1, step)


def _ends(field: Field, span: str, goes_on: bool) -> tuple[int, int] | None:
    """Return first and last of a span. goes_on: a step follows, so that `5` is from the fifth on (`5/15`)."""
    if span == "*":
        return field.least, min(field.most, _SATURDAY) if field.names == WEEKDAYS else field.most
    begin, dash, end = span.partition("-")
    first = _number(field, begin)
    last = _number(field, end) if dash else (field.most if goes_on else first)
    return None if first is None or last is None else (first, last)


def _number(field: Field, text: str) -> int | None:
    if text.upper() in field.names:
        return field.names.index(text.upper()) + field.first
    return _digits(text)


def _digits(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None
