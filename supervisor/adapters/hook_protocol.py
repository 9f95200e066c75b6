"""The words of the hook socket: one JSON object a line, and what each means.

Pure, so that every malformed line is a test case. Unknown keys are ignored, so that a newer hook can talk to an older
supervisor; unknown words are answered, so that its author finds out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from supervisor.core.effects import Announce

# A line that is longer is no line of ours: the longest of them names a job.
LINE_BYTES = 8192

# The protocol that `hello` names. What changes its meaning gets another number.
VERSION = 1

# What is only for people is cut; what names a hold must be kept whole, so a longer one is refused.
_ABOUT_CHARACTERS = 200
_ADVICE_CHARACTERS = 500
_ID_CHARACTERS = 200

# Seconds, or jobs. More is a mistake, and a number without end cannot be reckoned with.
_MOST = 1_000_000_000


class MalformedError(Exception):
    """The line cannot be understood; the text says why, for whoever wrote the hook."""


@dataclass(frozen=True, slots=True)
class Hello:
    """framework, version: what the hook is attached to, empty for a job's own. gate: it can keep new work from beginning.

    heirs: its children keep the connection open, and go on with its work when it dies.
    """

    about: str
    framework: str
    version: str
    gate: bool
    heirs: bool


@dataclass(frozen=True, slots=True)
class Shut:
    """Nothing new will begin in the peer's process."""


@dataclass(frozen=True, slots=True)
class Opened:
    """New work may begin in the peer's process again."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """So many jobs are fetched and have not begun."""

    count: int


@dataclass(frozen=True, slots=True)
class Advice:
    """A setting makes a drain late or loses jobs."""

    setting: str
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class Hold:
    """fetching: it only looks for work. wait: it waits for an answer."""

    id: str
    about: str
    ttl: float | None
    wait: bool
    fetching: bool


@dataclass(frozen=True, slots=True)
class Refresh:
    """The work still progresses."""

    id: str
    ttl: float | None


@dataclass(frozen=True, slots=True)
class Release:
    """The work is done."""

    id: str


@dataclass(frozen=True, slots=True)
class Did:
    """Jobs came and went unsaid, while another hold of the peer was open."""

    count: int


@dataclass(frozen=True, slots=True)
class Ping:
    """The peer wants to know whether we are there."""


Request = Hello | Hold | Refresh | Release | Did | Shut | Opened | Reserved | Advice | Ping


def read_request(line: bytes) -> Request:
    """Return what a hook says. Raise MalformedError."""
    try:
        read = json.loads(line)
    except (ValueError, RecursionError):
        raise MalformedError("a line must be one JSON object in UTF-8") from None
    if not isinstance(read, dict):
        raise MalformedError("a line must be a JSON object")
    match read.get("op"):
        case "hold":
            return Hold(_id(read), _about(read), _ttl(read), _flag(read, "wait"), _flag(read, "fetching"))
        case "release":
            return Release(_id(read))
        case "did":
            return Did(_count(read))
        case "refresh":
            return Refresh(_id(read), _ttl(read))
        case "ping":
            return Ping()
        case "hello":
            if read.get("v") != VERSION:
                raise MalformedError(f"this supervisor speaks version {VERSION} of the protocol")
            return Hello(
                _about(read),
                _text(read, "framework"),
                _text(read, "version"),
                _flag(read, "gate"),
                _flag(read, "heirs"),
            )
        case "shut":
            return Shut()
        case "opened":
            return Opened()
        case "reserved":
            return Reserved(_count(read))
        case "advice":
            return Advice(_text(read, "setting"), _text(read, "why"), _text(read, "fix"))
        case _:
            words = "hello, hold, refresh, release, did, shut, opened, reserved, advice, ping"
            raise MalformedError(f"`op` must be one of {words}")


def state(news: Announce, seconds_left: float | None) -> bytes:
    """Say how things stand. seconds_left: from now, as the announcement may be older."""
    return _line(
        "state",
        phase=news.phase,
        accepting=news.accepting,
        stopping=news.stopping,
        signalled=news.signalled,
        seconds_left=None if seconds_left is None else round(seconds_left, 3),
        protected=news.protected,
    )


def granted(id_: str, protected: bool) -> bytes:
    return _line("granted", id=id_, protected=protected)


def refused(id_: str, why: str) -> bytes:
    return _line("refused", id=id_, why=why)


def pong() -> bytes:
    return _line("pong")


def problem(what: str) -> bytes:
    return _line("problem", what=what)


def _line(op: str, **fields: object) -> bytes:
    return json.dumps({"op": op, **fields}).encode() + b"\n"


def _id(read: dict[str, object]) -> str:
    id_ = read.get("id")
    if not isinstance(id_, str) or not 0 < len(id_) <= _ID_CHARACTERS:
        raise MalformedError(f"`id` must be a text of 1 to {_ID_CHARACTERS} characters")
    return id_


def _about(read: dict[str, object]) -> str:
    return _text(read, "about", _ABOUT_CHARACTERS)


def _text(read: dict[str, object], name: str, most: int = _ADVICE_CHARACTERS) -> str:
    text = read.get(name, "")
    if not isinstance(text, str):
        raise MalformedError(f"`{name}` must be a text")
    return text[:most]


def _count(read: dict[str, object]) -> int:
    count = read.get("count")
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= _MOST:
        raise MalformedError(f"`count` must be a number from 0 to {_MOST}")
    return count


def _ttl(read: dict[str, object]) -> float | None:
    ttl = read.get("ttl")
    if ttl is None:
        return None
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not 0 < ttl <= _MOST:
        raise MalformedError(f"`ttl` must be null or a number of seconds above 0, {_MOST} at most")
    return float(ttl)


def _flag(read: dict[str, object], name: str) -> bool:
    flag = read.get(name, False)
    if not isinstance(flag, bool):
        raise MalformedError(f"`{name}` must be true or false")
    return flag
