"""The state of a running supervisor as its API tells it, on one screen: the lines of the dump, with who it is and times of day.

What came over the wire is read field by field, so that an answer that is none of ours ends in a sentence and not in a
half-drawn screen. A field that is not known here is passed over: `/v1` may grow.
"""

from __future__ import annotations

from types import NoneType, SimpleNamespace

from .deliveries import delivery_lines
from .status import LABEL_WIDTH, hold_lines, lines
from .wording import clean, clock_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from supervisor.core.snapshot import Snapshot

_MORE_THAN_A_SCREEN = 1_000_000

# Beyond it a number of seconds is none.
_MOST_SECONDS = 1e12

_TEXT, _NUMBER, _FLAG = (str,), (int, float), (bool,)
_TEXT_OR_NOT, _NUMBER_OR_NOT = (*_TEXT, NoneType), (*_NUMBER, NoneType)

# The fields of core/snapshot.py that are shown, as JSON has them.
HOLD = {
    "id": _TEXT,
    "holder": _TEXT,
    "about": _TEXT,
    "phase": _TEXT,
    "age": _NUMBER,
    "expires_in": _NUMBER_OR_NOT,
}
_HOOK = {"about": _TEXT, "framework": _TEXT, "version": _TEXT, "gate": _TEXT_OR_NOT, "reserved": _NUMBER}
_WORKER = {
    "name": _TEXT,
    "phase": _TEXT,
    "pid": _NUMBER_OR_NOT,
    "status": _NUMBER_OR_NOT,
    "starts": _NUMBER,
    "starts_in": _NUMBER_OR_NOT,
}
_PROTECTION = {
    "phase": _TEXT,
    "confirmed": _FLAG,
    "expires_in": _NUMBER_OR_NOT,
    "because": _TEXT_OR_NOT,
    "request_for": _NUMBER_OR_NOT,
    "retry_in": _NUMBER_OR_NOT,
    "requests": _NUMBER,
}
SNAPSHOT: dict[str, Any] = {
    "phase": _TEXT,
    "phase_for": _NUMBER,
    "accepting": _FLAG,
    "quiet_because": _TEXT_OR_NOT,
    "workers": [_WORKER],
    "holds": [HOLD],
    "holds_taken": _NUMBER,
    "hooks": [_HOOK],
    "protection": _PROTECTION,
    "stages": _TEXT,
    "stage": _TEXT_OR_NOT,
    "seconds_left": _NUMBER_OR_NOT,
    "exits_in": _NUMBER_OR_NOT,
}

# The fields of core/delivery/view.py. Which phases and ends there are, may change.
_DELIVERIES: dict[str, Any] = {
    "app_ready": _FLAG,
    "slots": _NUMBER,
    "phases": dict[str, int],
    "ended": dict[str, int],
    "received": _NUMBER,
    "possible_duplicates": _NUMBER,
    "queues": [
        {"name": _TEXT, "polls": _NUMBER, "failed_polls": _NUMBER, "retry_in": _NUMBER_OR_NOT},
    ],
}

_NAMES = ("cluster", "service", "family", "container", "task")

# What a line is coloured for: by what it is about, then by the phase.
_MOODS = {
    ("task", "running"): "good",
    ("task", "quiet"): "warning",
    ("task", "draining"): "warning",
    ("task", "stopping"): "bad",
    ("task", "killing"): "bad",
    ("worker", "backoff"): "warning",
    ("worker", "fatal"): "bad",
    ("protection", "protected"): "good",
    ("protection", "renewing"): "good",
    ("protection", "acquiring"): "warning",
    ("protection", "unavailable"): "warning",
}


def overview(document: dict[str, Any], wall: float) -> list[tuple[str, str]]:
    """Return the lines of the screen, each with its mood: good, warning, bad, title, or none.

    document: what GET /v1/status answers. wall: when, in seconds since the epoch. Raise ValueError where it is no such answer.
    """
    snapshot = snapshot_in(document)

    def stamp(seconds: float, word: str) -> str:
        return f" ({word}{clock_time(wall + seconds)})"

    phases = {"task": [snapshot.phase], "worker": [worker.phase for worker in snapshot.workers]}
    phases["protection"] = [snapshot.protection.phase]
    shown = [(_heading(document, wall), "title")]
    identity = _identity(document)
    told = (
        *([("ecs", identity)] if identity else []),
        *lines(snapshot, stamp),
        *_deliveries(document),
    )
    for label, text in told:
        known = phases.get(label)
        mood = _MOODS.get((label, known.pop(0)), "") if known else ""
        shown.append((clean(f"{label:{LABEL_WIDTH}}{text}"), mood))
    return shown


def snapshot_in(document: dict[str, Any]) -> Snapshot:
    """Return what the supervisor said of itself, field by field. Raise ValueError as above."""
    snapshot: Snapshot = _read(SNAPSHOT, document, "")
    return snapshot


def holds_overview(document: dict[str, Any]) -> list[str]:
    """Return a line for each hold, the oldest first. document: what GET /v1/holds answers. Raise ValueError as above."""
    holds = _read({"holds": [HOLD]}, document, "").holds
    return list(hold_lines(holds, _MORE_THAN_A_SCREEN))


def _heading(document: dict[str, Any], wall: float) -> str:
    version, pid = document.get("version"), document.get("pid")
    words = [f"ecs-supervisor {version}" if version else "ecs-supervisor", f"pid {pid}" if pid else ""]
    return clean(", ".join([*filter(None, words), clock_time(wall)]))


def _deliveries(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Say how messages stand, where there are any."""
    if "deliveries" in document:
        yield from delivery_lines(_read(_DELIVERIES, document["deliveries"], ".deliveries"))


def _identity(document: dict[str, Any]) -> str:
    """Say which task it is; empty where that is not known."""
    identity = document.get("identity")
    if not isinstance(identity, dict):
        return ""
    # A task is an ARN, of which the last part is its number; a cluster may be one as well.
    names = {name: str(value).rpartition("/")[2] for name, value in identity.items() if value}
    if "family" in names and "revision" in names:
        names["family"] += f":{names['revision']}"
    return ", ".join(f"{name} {names[name]}" for name in _NAMES if name in names)


def _read(shape: Any, value: object, where: str) -> Any:
    """Return the value as the shape has it: an object's fields as attributes. Raise ValueError, saying where it is not."""
    if isinstance(shape, dict):
        if isinstance(value, dict):
            return SimpleNamespace(**{k: _read(s, value.get(k), f"{where}.{k}") for k, s in shape.items()})
    elif isinstance(shape, list):
        if isinstance(value, list):
            return tuple(_read(shape[0], each, where) for each in value)
    elif shape == dict[str, int]:
        if isinstance(value, dict):
            return {name: _read(_NUMBER, count, f"{where}.{name}") for name, count in value.items()}
    elif isinstance(value, shape) and not (isinstance(value, _NUMBER) and not abs(value) < _MOST_SECONDS):
        return value
    raise ValueError(f"the answer's {where.removeprefix('.') or 'body'} is not as a supervisor has it")
