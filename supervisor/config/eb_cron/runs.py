"""Says when a schedule is due next. Pure: the time is an argument.

Worked out here and not by a cron library, so that a schedule means the same to the scheduler and to the converter, which
have one reader. Tests compare it with such a library.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from .tasks import Schedule

# The 29th of February comes once in eight years around a century; beyond that a schedule has no run.
_LONGEST_DAYS = 8 * 366 + 1

_MINUTE_SECONDS = 60.0
_DAY = timedelta(days=1)


def next_run(schedule: Schedule, after: float) -> float:
    """Return the first run later than `after`, both in seconds since the epoch; infinity where there is none."""
    earliest = datetime.fromtimestamp(after // _MINUTE_SECONDS * _MINUTE_SECONDS, UTC) + timedelta(minutes=1)
    day = earliest.replace(hour=0, minute=0)
    for _ in range(_LONGEST_DAYS):
        if _fits(schedule, day):
            for hour in sorted(schedule.hours):
                for minute in sorted(schedule.minutes):
                    run = day.replace(hour=hour, minute=minute)
                    if run >= earliest:
                        return run.timestamp()
        day += _DAY
    return float("inf")


def _fits(schedule: Schedule, day: datetime) -> bool:
    by_day = day.day in schedule.days
    by_weekday = day.isoweekday() % 7 in schedule.weekdays
    if schedule.any_day or schedule.any_weekday:
        return day.month in schedule.months and by_day and by_weekday
    return day.month in schedule.months and (by_day or by_weekday)
