"""Reads what a request says, and names everything that is wrong with it at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NoReturn

from .exchange import Request
from .problem import ProblemError, malformed

# What is only for people is cut, because a job must not go unprotected for the length of its name.
_ABOUT_CHARACTERS = 200

# A client that does not say what it sends is believed; so is `curl --data`, which says that it sends a form.
_JSON_TYPES = ("", "application/json", "text/json", "application/x-www-form-urlencoded")


def _no_number(said: str) -> NoReturn:
    raise ValueError(f"{said} is not in JSON")


# Made once: `json.loads` makes one for every body that it is to be strict with.
_JSON = json.JSONDecoder(parse_constant=_no_number)

_FLAGS = {"true": True, "false": False}


def read_body(request: Request, *known: str) -> Fields:
    """Return the members of the JSON object that is the body; none where there is no body."""
    body = request.body()
    if not body:
        return Fields({}, known)
    if request.content_type not in _JSON_TYPES and not request.content_type.endswith("+json"):
        raise ProblemError(
            415, "not-json", f"{request.content_type} is not understood here", "send application/json"
        )
    try:
        read = _JSON.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise malformed("the body is not a JSON object in UTF-8", 'send something like {"about": "mail"}')
    return Fields(read, known)


class Fields:
    """Members of one object. What is null counts as not said. `check` raises when all have been read."""

    def __init__(self, read: Mapping[str, object], known: tuple[str, ...]) -> None:
        self._read = read
        self._errors = [f"`{name}` is not known here" for name in read if name not in known]

    def text(self, name: str) -> str:
        """Return a text as it may be shown: on one line, and not too long."""
        text = self._read.get(name)
        if text is None:
            return ""
        if not isinstance(text, str):
            self._errors.append(f"`{name}` must be a text")
            return ""
        text = text[:_ABOUT_CHARACTERS]
        return text if text.isprintable() else "".join(each if each.isprintable() else " " for each in text)

    def seconds(self, name: str, most: float, *, from_zero: bool = True) -> float | None:
        number = self._read.get(name)
        if number is None:
            return None
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= most:
            self._errors.append(f"`{name}` must be a number of seconds from 0 to {most:g}")
        elif number > 0 or from_zero:
            return float(number)
        else:
            self._errors.append(f"`{name}` must be more than 0")
        return None

    def flag(self, name: str) -> bool | None:
        flag = self._read.get(name)
        if flag is None or isinstance(flag, bool):
            return flag
        self._errors.append(f"`{name}` must be true or false")
        return None

    def check(self) -> None:
        if self._errors:
            # A name that came from outside may be as long as a body.
            errors = tuple(error[:_ABOUT_CHARACTERS] for error in self._errors[:20])
            raise malformed("; ".join(errors), "see /v1/openapi.json", errors)


def read_query(request: Request, *known: str) -> Fields:
    """Return the known members of the query, as what they look like."""
    said = request.query()
    return Fields({name: _value(said[name]) for name in known if name in said}, known)


def _value(said: str) -> object:
    if said in _FLAGS:
        return _FLAGS[said]
    try:
        return float(said)
    except ValueError:
        return said
