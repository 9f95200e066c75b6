"""The recent facts with their instants and the orders they led to: for crash reports, for dumps, and to be replayed.

The core is pure, so the same facts at the same instants give the same orders: a journal from production, fed to a fresh
engine, shows whether it would decide so again. One JSON line an entry; the keys are the names of the core's own classes and
fields, found from its unions, so a new fact needs nothing here.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from itertools import chain
from typing import Any, Protocol, get_args, get_type_hints

from supervisor.core.effects import Effect
from supervisor.core.events import Event
from supervisor.core.instants import NEVER, Instant

# Ten minutes of a busy worker's jobs; 1000 entries take about 0.5 MiB.
CAPACITY = 1000

# JSON has no infinity.
_NEVER = "never"


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact, when it was taken in, and what was ordered."""

    at: Instant
    event: Event
    effects: tuple[Effect, ...]


class Replayable(Protocol):
    def handle(self, event: Event, now: Instant) -> tuple[Effect, ...]: ...


class Journal:
    """The last entries; older ones are forgotten and counted."""

    def __init__(self, started: Instant, capacity: int = CAPACITY) -> None:
        self._started = started
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._added = 0

    def add(self, at: Instant, event: Event, effects: tuple[Effect, ...]) -> None:
        self._entries.append(Entry(at, event, effects))
        self._added += 1

    def entries(self) -> tuple[Entry, ...]:
        return tuple(self._entries)

    def lines(self) -> Iterator[str]:
        """Give a line about the journal itself, then one for each entry; all as of now, made when they are asked for."""
        entries = self.entries()
        head = {"journal": 1, "started": self._started, "forgotten": self._added - len(entries)}
        return chain((json.dumps(head),), map(encode, entries))


def encode(entry: Entry) -> str:
    """Return the entry as one line of JSON."""
    effects = [_to_json(effect) for effect in entry.effects]
    return json.dumps(
        {"at": entry.at, "event": _to_json(entry.event), "effects": effects}, ensure_ascii=False
    )


def decode(line: str) -> Entry:
    """Return the entry that a line was made from. Raise ValueError or KeyError for any other line."""
    read = json.loads(line)
    effects = tuple(_from_json(effect) for effect in read["effects"])
    return Entry(Instant(read["at"]), _from_json(read["event"]), effects)


def replay(lines: Iterable[str], engine: Replayable) -> Iterator[tuple[Entry, tuple[Effect, ...]]]:
    """Feed the recorded facts to an engine; give each entry with the orders it leads to now."""
    for line in lines:
        if '"journal"' in line[:12]:
            continue
        entry = decode(line)
        yield entry, engine.handle(entry.event, entry.at)


def _to_json(value: object) -> dict[str, object]:
    return {type(value).__name__: {field.name: _plain(getattr(value, field.name)) for field in fields(value)}}  # type: ignore[arg-type]


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.name
    if is_dataclass(value):
        return _to_json(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return _NEVER if value == NEVER else value


def _from_json(read: dict[str, dict[str, object]]) -> Any:
    ((name, values),) = read.items()
    made = _classes()[name]
    hints = _hints(made)
    return made(**{key: _restored(value, hints[key]) for key, value in values.items()})


def _restored(value: object, hint: object) -> object:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint[str(value)]
    if isinstance(value, dict):
        return _from_json(value)
    if value == _NEVER and hint in (float, Instant):
        return NEVER
    return tuple(_restored(each, object) for each in value) if isinstance(value, list) else value


@cache
def _classes() -> dict[str, type]:
    # Written by `sqsd` alone, which has loaded them; whoever reads a journal may have any.
    from supervisor.core.delivery.engine import ShellFact
    from supervisor.core.delivery.facts import Received
    from supervisor.core.delivery.names import Call
    from supervisor.core.delivery.orders import ShellOrder

    members = chain.from_iterable(map(get_args, (Event, Effect, ShellFact, ShellOrder)))
    return {member.__name__: member for member in (*members, Received, Call)}


@cache
def _hints(made: type) -> dict[str, Any]:
    return get_type_hints(made)
