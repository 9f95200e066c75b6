"""The lines of the hook socket as a worker writes and reads them.

They are JSON objects. Those that every job sends are put together by hand, because every job pays for them.
Nothing here raises, whatever a job is called and whatever the supervisor sends.
"""

from __future__ import annotations

import json
import time
from functools import lru_cache

# So that a line stays far below the 8 KiB the supervisor reads, whatever JSON makes of the characters.
ABOUT_CHARACTERS = 200
# Names of jobs are few; a program that makes one up for every job must not fill the memory.
SPELLED_NAMES = 256
# Longer than any stop or lease; beyond it a number is a mistake of the sender.
LONGEST_SECONDS = 1e8


class State:
    """What the supervisor last said.

    deadline: when work in flight will be interrupted; None if never. signalled: the worker has been asked to exit.
    """

    __slots__ = ("accepting", "deadline", "phase", "protected", "signalled", "stopping")

    def __init__(
        self,
        phase: str = "unknown",
        accepting: bool = True,
        stopping: bool = False,
        deadline: float | None = None,
        protected: bool = False,
        signalled: bool = False,
    ) -> None:
        self.phase = phase
        self.accepting = accepting
        self.stopping = stopping
        self.deadline = deadline
        self.protected = protected
        self.signalled = signalled

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the deadline, never below zero."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def with_protection(self, protected: bool) -> State:
        """Return the same, but for what an answer has said about protection."""
        return State(self.phase, self.accepting, self.stopping, self.deadline, protected, self.signalled)


SHUT = b'{"op":"shut"}\n'
OPENED = b'{"op":"opened"}\n'


def hello(
    about: str, framework: str = "", version: str = "", gated: bool = False, heirs: bool = False
) -> bytes:
    """framework: empty where no framework's hook speaks. gated: this process can be kept from taking new work.

    heirs: children keep the connection open, and go on with this process's work when it dies.
    """
    if not framework:
        return b'{"op":"hello","v":1,"about":%b}\n' % _spell(about)
    hook = b',"framework":%b,"version":%b,"gate":%b%b' % (
        _spell(framework),
        _spell(version),
        b"true" if gated else b"false",
        b',"heirs":true' if heirs else b"",
    )
    return b'{"op":"hello","v":1,"about":%b%b}\n' % (_spell(about), hook)


def reserved(count: int) -> bytes:
    return b'{"op":"reserved","count":%d}\n' % count


def advice(setting: str, why: str, fix: str) -> bytes:
    return json.dumps({"op": "advice", "setting": setting, "why": why, "fix": fix}).encode() + b"\n"


def did(count: int) -> bytes:
    """Jobs that came and went unsaid, while another one of this process was known to be running."""
    return b'{"op":"did","count":%d}\n' % count


def hold(number: int, about: str, ttl: float | None) -> bytes:
    return b'{"op":"hold","id":"%d","about":%b%b}\n' % (number, _spell(about), _time_to_live(ttl))


def fetch(number: int) -> bytes:
    """A hold of one who looks for work: a drain waits for it, and nobody is protected because of it."""
    return b'{"op":"hold","id":"%d","about":"fetch","ttl":null,"fetching":true}\n' % number


def question(number: int, about: str, ttl: float | None) -> bytes:
    """A hold that waits for its answer."""
    return b'{"op":"hold","id":"%d","about":%b%b,"wait":true}\n' % (number, _spell(about), _time_to_live(ttl))


def refresh(number: int, ttl: float | None) -> bytes:
    return b'{"op":"refresh","id":"%d"%b}\n' % (number, _time_to_live(ttl))


def release(number: int) -> bytes:
    return b'{"op":"release","id":"%d"}\n' % number


def truth(number: int, held: str | bytes | None) -> bytes:
    """Return what is true of a hold. held: its line, or the name alone of a job that is only to be named; None when it ended."""
    if held is None:
        return release(number)
    return held if isinstance(held, bytes) else hold(number, held, None)


def read(line: bytes) -> dict[str, object]:
    """Return the message in a line; an empty one where there is none."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return message if type(message) is dict else {}


def read_state(message: dict[str, object]) -> State:
    """Return what a `state` message says; what it does not say is as it would be without a supervisor."""
    return State(
        str(message.get("phase", "unknown")),
        accepting=message.get("accepting") is not False,
        stopping=message.get("stopping") is True,
        deadline=_deadline(message.get("seconds_left")),
        protected=message.get("protected") is True,
        # Where it is not said, nobody should be asked twice.
        signalled=message.get("signalled", message.get("stopping")) is True,
    )


def read_number(message: dict[str, object]) -> int:
    """Return which hold an answer is about; 0, which no hold has, where that is not said."""
    name = message.get("id")
    # The length comes first: Python refuses to convert thousands of digits, with a ValueError.
    return int(name) if isinstance(name, str) and len(name) < 20 and name.isdecimal() else 0


def read_seconds(text: str | None) -> float:
    """Return the seconds that an environment variable names; 0 where it names none."""
    try:
        seconds = float(text or 0)
    except ValueError:
        return 0.0
    return seconds if 0 < seconds < LONGEST_SECONDS else 0.0


@lru_cache(maxsize=SPELLED_NAMES)
def _spell(about: str) -> bytes:
    # Through UTF-8 and back, because JSON would pass half a surrogate pair on for somebody else to choke on.
    return json.dumps(about[:ABOUT_CHARACTERS].encode("utf-8", "replace").decode()).encode()


def _time_to_live(ttl: float | None) -> bytes:
    return b"" if ttl is None or not 0 < ttl < LONGEST_SECONDS else b',"ttl":%.3f' % ttl


def _deadline(seconds_left: object) -> float | None:
    if isinstance(seconds_left, (int, float)) and 0 <= seconds_left < LONGEST_SECONDS:
        return time.monotonic() + seconds_left
    return None
