"""Reads the body of a protection request as strictly, and as loosely, as the agent's JSON decoder does.

The agent is written in Go, whose decoder differs from Python's in ways that clients meet: keys match in any
case, an unknown key or a float refuses the whole request, and whatever follows the first value is never
looked at.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

_JSON_BLANKS = " \t\r\n"
_INT64_LIMIT = 2**63
_INT32_SPAN = 2**32


class UndecodableRequestError(Exception):
    """The agent answers 400 without looking for the task."""


@dataclass(frozen=True, slots=True)
class ProtectionRequest:
    """What is None was absent or null."""

    enabled: bool | None
    minutes: int | None


def decode(body: bytes) -> ProtectionRequest:
    """Raises UndecodableRequestError."""
    text = body.decode("utf-8", errors="replace").lstrip(_JSON_BLANKS)
    try:
        value, _ = _DECODER.raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise UndecodableRequestError(str(error)) from None
    if value is None:
        return ProtectionRequest(None, None)
    if not isinstance(value, _Object):
        raise UndecodableRequestError("not an object")
    return _request(value)


@dataclass(frozen=True, slots=True)
class _Object:
    """A JSON object that still knows its repeated keys: each of them must be valid, the last one counts."""

    pairs: tuple[tuple[str, object], ...]


def _request(value: _Object) -> ProtectionRequest:
    enabled: bool | None = None
    minutes: int | None = None
    for key, member in value.pairs:
        match key.casefold():
            case "protectionenabled":
                enabled = _boolean(member)
            case "expiresinminutes":
                minutes = _integer(member)
            case _:
                raise UndecodableRequestError(f"unknown key {key!r}")
    return ProtectionRequest(enabled, minutes)


def _boolean(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise UndecodableRequestError(f"not a boolean: {value!r}")


def _integer(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not -_INT64_LIMIT <= value < _INT64_LIMIT:
        raise UndecodableRequestError(f"not a 64-bit integer: {value!r}")
    # The agent hands the number to the ECS API as 32 bits and drops the rest: 4294967297 becomes 1.
    return (value + _INT32_SPAN // 2) % _INT32_SPAN - _INT32_SPAN // 2


def _no_constant(name: str) -> object:
    raise UndecodableRequestError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, object]]) -> _Object:
    return _Object(tuple(pairs))


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
