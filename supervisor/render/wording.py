"""Words for people: durations, times of day, and texts of others made safe to show."""

from __future__ import annotations

from itertools import pairwise

# In seconds; a duration shows two neighbours of these.
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def within(seconds: float) -> str:
    """Return how far something lies ahead."""
    return f"in {duration(seconds)}" if seconds > 0 else "now"


def duration(seconds: float) -> str:
    """Return the largest unit and its neighbour, such as `3 min 20 s`."""
    whole = round(seconds)
    for (name, size), (part_name, part_size) in pairwise(_UNITS):
        if whole >= size:
            part = whole % size // part_size
            return f"{whole // size} {name} {part} {part_name}" if part else f"{whole // size} {name}"
    return f"{whole} s"


def clock_time(wall: float) -> str:
    """Return the time of day in UTC, as log lines have it. wall: seconds since the epoch."""
    whole = int(wall)
    return f"{whole // 3600 % 24:02}:{whole // 60 % 60:02}:{whole % 60:02}Z"


def cut(text: str, width: int) -> str:
    """Return no more of a text than fits."""
    shown = clean(text)
    return shown if len(shown) <= width else f"{shown[: width - 3]}..."


def clean(text: str) -> str:
    """Return the text on one line and without what a terminal would act upon."""
    return "".join(each if each.isprintable() else "?" for each in text)
