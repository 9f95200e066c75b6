"""Log lines as values."""

from __future__ import annotations

import json
from datetime import UTC, timedelta, timezone

from supervisor.core.effects import Level, note
from supervisor.render.logline import as_human, as_json

# 2026-11-22T18:03:11.250Z
WALL = 1795370591.25


def test_json_names_time_level_and_event_first() -> None:
    """A JSON line begins with time, level and event, then come the note's fields and the context's."""
    line = as_json(note("task.draining", reason="SIGTERM"), (("in_flight", 2),), WALL)
    assert line == (
        '{"time": "2026-11-22T18:03:11.250Z", "level": "info", "event": "task.draining",'
        ' "reason": "SIGTERM", "in_flight": 2}'
    )


def test_json_is_one_line_whatever_the_fields_hold() -> None:
    """Line breaks and quotes in a field stay inside it."""
    line = as_json(note("x", Level.ERROR, why='a\n"b"', work=("é", "c d")), (), WALL)
    assert "\n" not in line
    assert json.loads(line) | {"time": ""} == {
        "time": "",
        "level": "error",
        "event": "x",
        "why": 'a\n"b"',
        "work": ["é", "c d"],
    }


def test_a_notes_own_field_counts() -> None:
    """Where note and context have a field of the same name, the note's is printed, once."""
    assert json.loads(as_json(note("x", in_flight=3), (("in_flight", 2),), WALL))["in_flight"] == 3
    assert as_human(note("x", in_flight=3), (("in_flight", 2),), WALL, UTC) == "18:03:11 x  in_flight=3"


def test_a_human_line_is_short() -> None:
    """For people the time of day is enough, and what is unknown or as usual is left out."""
    line = as_human(note("worker.exited", status=0, signal=None), (("seconds_left", 19.8),), WALL, UTC)
    assert line == "18:03:11 worker.exited  status=0 seconds_left=19.8"
    assert as_human(note("task.running"), (), WALL, UTC) == "18:03:11 task.running"


def test_a_human_line_shows_trouble() -> None:
    """Warnings and errors say so."""
    assert as_human(note("x", Level.WARNING), (), WALL, UTC) == "18:03:11 WARNING x"


def test_a_human_line_uses_the_given_zone() -> None:
    """The time of day is that of the zone."""
    assert as_human(note("x"), (), WALL, timezone(timedelta(hours=2))).startswith("20:03:11 ")


def test_what_is_not_one_word_is_quoted() -> None:
    """A value with blanks, quotes or line breaks is quoted, so that the fields can be told apart."""
    line = as_human(note("x", a="b c", d="", e=True, f=("g", "h i"), j="k\n"), (), WALL, UTC)
    assert line == '18:03:11 x  a="b c" d="" e=true f=g,"h i" j="k\\n"'
