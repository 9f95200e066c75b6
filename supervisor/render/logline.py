"""One log line: a note with its context, as JSON for machines or as a short text for people.

The names are part of the interface, in JSON and in text alike; so the text adds no sentence of its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from supervisor.core.effects import Level, Note

if TYPE_CHECKING:
    from datetime import UTC, datetime, tzinfo
else:
    # The C module below `datetime`, which carries the same in Python as well: a quarter of a megabyte in every task.
    from _datetime import UTC, datetime, tzinfo

Fields = Sequence[tuple[str, object]]


def as_json(note: Note, context: Fields, wall: float) -> str:
    """Return a JSON object: time, level and event first, then the note's fields, then the context's."""
    stamp = datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = {"time": stamp, "level": note.level.value, "event": note.name, **_merged(note, context)}
    return json.dumps(line, ensure_ascii=False, default=str)


def as_human(note: Note, context: Fields, wall: float, zone: tzinfo | None = None) -> str:
    """Return `18:03:11 task.draining  in_flight=2`; the level only where it is not info. zone: None is the machine's."""
    stamp = datetime.fromtimestamp(wall, UTC).astimezone(zone).strftime("%H:%M:%S")
    level = "" if note.level is Level.INFO else f"{note.level.value.upper()} "
    fields = [f"{key}={_word(value)}" for key, value in _merged(note, context).items() if value is not None]
    return f"{stamp} {level}{'  '.join((note.name, ' '.join(fields))) if fields else note.name}"


def _merged(note: Note, context: Fields) -> dict[str, object]:
    """Return all fields once, in order; what the note says about itself counts."""
    own = dict(note.fields)
    return own | {key: value for key, value in context if key not in own}


def _word(value: object) -> str:
    """Return a value as one word, quoted where it would not be one."""
    if isinstance(value, tuple):
        return ",".join(_word(each) for each in value)
    if isinstance(value, str) and value.isprintable() and value and not set(value) & set(' "=,'):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
