"""What a hook may say, and what it is told when it says something else."""

from __future__ import annotations

import json

import pytest

from supervisor.adapters import hook_protocol as protocol
from supervisor.core.effects import Announce


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        (
            b'{"op":"hello","v":1,"about":"celery@host"}',
            protocol.Hello("celery@host", "", "", gate=False, heirs=False),
        ),
        (
            b'{"op":"hello","v":1,"about":"w1","framework":"celery","version":"5.7.0","gate":true}',
            protocol.Hello("w1", "celery", "5.7.0", gate=True, heirs=False),
        ),
        (
            b'{"op":"hello","v":1,"about":"w1","framework":"rq","version":"3.0.0","gate":true,"heirs":true}',
            protocol.Hello("w1", "rq", "3.0.0", gate=True, heirs=True),
        ),
        (b'{"op":"shut"}', protocol.Shut()),
        (b'{"op":"opened"}', protocol.Opened()),
        (b'{"op":"reserved","count":4}', protocol.Reserved(4)),
        (
            b'{"op":"advice","setting":"acks_late","why":"jobs are lost","fix":"set it"}',
            protocol.Advice("acks_late", "jobs are lost", "set it"),
        ),
        (b'{"op":"hold","id":"7"}', protocol.Hold("7", "", None, wait=False, fetching=False)),
        (
            b'{"op":"hold","id":"7","about":"x","ttl":2,"wait":true,"fetching":true,"new":1}',
            protocol.Hold("7", "x", 2.0, wait=True, fetching=True),
        ),
        (b'{"op":"refresh","id":"7","ttl":null}', protocol.Refresh("7", None)),
        (b'{"op":"refresh","id":"7","ttl":1.5}', protocol.Refresh("7", 1.5)),
        (b'{"op":"release","id":"7"}\r', protocol.Release("7")),
        (b'{"op":"did","count":12}', protocol.Did(12)),
        (b'{"op":"ping"}', protocol.Ping()),
    ],
)
def test_every_word_is_understood(line: bytes, request_: protocol.Request) -> None:
    """Each line means this; what is not known in it is ignored."""
    assert protocol.read_request(line) == request_


def test_a_long_description_is_cut() -> None:
    """What is only for people is shortened instead of refused."""
    line = json.dumps({"op": "hold", "id": "1", "about": "x" * 5000}).encode()
    assert protocol.read_request(line) == protocol.Hold("1", "x" * 200, None, wait=False, fetching=False)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nonsense",
        b"\xff\xfe",
        b"[" * 5000,
        b"[]",
        b'"hold"',
        b"{}",
        b'{"op":"sing"}',
        b'{"op":["hold"]}',
        b'{"op":"hold"}',
        b'{"op":"hold","id":7}',
        b'{"op":"hold","id":""}',
        b'{"op":"hold","id":"' + b"x" * 201 + b'"}',
        b'{"op":"hold","id":"7","about":7}',
        b'{"op":"hello","v":1,"framework":7}',
        b'{"op":"hello","v":1,"gate":"yes"}',
        b'{"op":"reserved"}',
        b'{"op":"reserved","count":-1}',
        b'{"op":"reserved","count":true}',
        b'{"op":"did"}',
        b'{"op":"did","count":-1}',
        b'{"op":"advice","why":[]}',
        b'{"op":"hold","id":"7","ttl":0}',
        b'{"op":"hold","id":"7","ttl":-1}',
        b'{"op":"hold","id":"7","ttl":true}',
        b'{"op":"hold","id":"7","ttl":"5"}',
        b'{"op":"hold","id":"7","ttl":Infinity}',
        b'{"op":"hold","id":"7","ttl":NaN}',
        b'{"op":"hold","id":"7","ttl":1' + b"0" * 400 + b"}",
        b'{"op":"did","count":1' + b"0" * 4000 + b"}",
        b'{"op":"hold","id":"7","wait":1}',
        b'{"op":"hello","v":2}',
    ],
)
def test_anything_else_is_refused_with_a_reason(line: bytes) -> None:
    """A malformed line never passes and never raises anything but its own exception."""
    with pytest.raises(protocol.MalformedError, match=r"must|speaks"):
        protocol.read_request(line)


def test_answers_are_lines_of_json() -> None:
    """Whatever is answered is one JSON object and one line break."""
    news = Announce("draining", accepting=False, stopping=True, seconds_left=9.0, protected=True)
    said = {
        protocol.state(news, 8.25): {
            "op": "state",
            "phase": "draining",
            "accepting": False,
            "stopping": True,
            "signalled": False,
            "seconds_left": 8.25,
            "protected": True,
        },
        protocol.state(news, None): {
            "op": "state",
            "phase": "draining",
            "accepting": False,
            "stopping": True,
            "signalled": False,
            "seconds_left": None,
            "protected": True,
        },
        protocol.granted("8", True): {"op": "granted", "id": "8", "protected": True},
        protocol.refused("8", "a\nb"): {"op": "refused", "id": "8", "why": "a\nb"},
        protocol.pong(): {"op": "pong"},
        protocol.problem("x"): {"op": "problem", "what": "x"},
    }
    for line, meaning in said.items():
        assert line.count(b"\n") == 1
        assert json.loads(line) == meaning
