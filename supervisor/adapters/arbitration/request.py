"""Reads what a caller wants of the task-protection endpoint, as strictly and as loosely as the agent does.

The agent's decoder is Go's: a key matches in any case, an unknown one refuses the whole request, a number with a fraction
is none, and nobody looks at what follows the first value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# ECS accepts 1 to 2880 minutes, and takes 120 where none are given (UpdateTaskProtection, ECS API reference).
LEAST_MINUTES = 1
MOST_MINUTES = 2880
DEFAULT_MINUTES = 120

_BLANKS = b" \t\r\n"


class MalformedError(Exception):
    """The agent cannot decode it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """None: not given, or null."""

    enabled: bool | None
    minutes: int | None

    @property
    def is_in_range(self) -> bool:
        return self.minutes is None or LEAST_MINUTES <= self.minutes <= MOST_MINUTES

    @property
    def seconds(self) -> float:
        return 60.0 * (DEFAULT_MINUTES if self.minutes is None else self.minutes)


def read_wish(body: bytes) -> Wish:
    """Raise MalformedError."""
    try:
        document, _ = _DECODER.raw_decode(body.lstrip(_BLANKS).decode(errors="replace"))
    except (ValueError, RecursionError):
        raise MalformedError("not JSON") from None
    if document is None:
        return Wish(None, None)
    if not isinstance(document, _Members):
        raise MalformedError("not an object")
    read: dict[str, object] = {}
    # Each of several with one name must be valid; the last one counts.
    for name, value in document:
        reader = _READERS.get(name.casefold())
        if reader is None:
            raise MalformedError(f"there is no {name!r}")
        read[name.casefold()] = None if value is None else reader(value)
    return Wish(*(read.get(name) for name in _READERS))  # type: ignore[arg-type]


class _Members(tuple[tuple[str, object], ...]):
    """What stands in a JSON object, with repetitions; a tuple of its own, as a list is an array."""

    __slots__ = ()


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise MalformedError(f"{value!r} is neither true nor false")
    return value


def _int(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise MalformedError(f"{value!r} is no integer of 64 bits")
    # The agent hands on the lower 32 bits only, so that 4294967297 means 1.
    return int.from_bytes(value.to_bytes(8, "little", signed=True)[:4], "little", signed=True)


def _refuse(name: str) -> object:
    raise MalformedError(f"{name} is not JSON")


_READERS: Mapping[str, Callable[[object], object]] = {"protectionenabled": _bool, "expiresinminutes": _int}

_DECODER = json.JSONDecoder(object_pairs_hook=_Members, parse_constant=_refuse)
