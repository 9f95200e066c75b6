"""The lines of the hook socket, in both directions."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.hooks import _words as words

LINE_LIMIT_BYTES = 8192


@given(st.text(st.characters(), max_size=2000))
def test_any_name_makes_one_short_line(about: str) -> None:
    """Whatever a job is called, its hold is one line of UTF-8 JSON below the supervisor's limit."""
    line = words.hold(1, about, None)
    assert line.count(b"\n") == 1
    assert len(line) < LINE_LIMIT_BYTES
    message = json.loads(line)
    message["about"].encode()
    assert (message["op"], message["id"]) == ("hold", "1")


@given(st.floats() | st.integers() | st.none())
def test_any_ttl_makes_a_sound_line(ttl: float | None) -> None:
    """A time to live that makes no sense is left out, never written in a way that JSON does not know."""
    written = json.loads(words.question(1, "x", ttl), parse_constant=pytest.fail).get("ttl")
    if ttl is None or not 0 < ttl < words.LONGEST_SECONDS:
        assert written is None
    else:
        assert written == pytest.approx(ttl, abs=0.001)


def test_the_lines() -> None:
    """The lines are those of the protocol."""
    assert json.loads(words.hello("celery")) == {"op": "hello", "v": 1, "about": "celery"}
    assert json.loads(words.hold(7, "mail", 1.5)) == {"op": "hold", "id": "7", "about": "mail", "ttl": 1.5}
    assert json.loads(words.question(7, "mail", None)) == {
        "op": "hold",
        "id": "7",
        "about": "mail",
        "wait": True,
    }
    assert json.loads(words.refresh(7, 2)) == {"op": "refresh", "id": "7", "ttl": 2}
    assert json.loads(words.release(7)) == {"op": "release", "id": "7"}


@pytest.mark.parametrize(
    "line", [b"", b"\xff", b"null", b"7", b'"x"', b"[{}]", b"{}x", b"{", b'{"a":1', b"\x00"]
)
def test_what_is_no_message_is_an_empty_one(line: bytes) -> None:
    """Bytes that are no JSON object say nothing and raise nothing."""
    assert words.read(line) == {}


def test_too_deep_a_line_is_no_message() -> None:
    """A line that would exhaust the stack says nothing."""
    assert words.read(b"[" * 100_000) == {}


JSON_VALUES: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([1]) | st.just({})
)


@given(
    st.dictionaries(
        st.sampled_from(["phase", "accepting", "stopping", "signalled", "seconds_left", "id"]), JSON_VALUES
    )
)
def test_any_state_can_be_read(message: dict[str, object]) -> None:
    """Whatever stands in a message, a state and a number come out of it."""
    left = words.read_state(message).seconds_left
    assert left is None or 0 <= left <= words.LONGEST_SECONDS
    assert words.read_number(message) >= 0


def test_a_state_that_says_nothing_lets_work() -> None:
    """What a state does not say is as if there were no supervisor."""
    state = words.read_state({})
    assert state.accepting
    assert not state.stopping
    assert not state.signalled
    assert not state.protected
    assert state.seconds_left is None


def test_seconds_left_end_at_zero() -> None:
    """A deadline that has passed leaves zero seconds, not less."""
    assert words.State(deadline=time.monotonic() - 1).seconds_left == 0


@pytest.mark.parametrize(("text", "seconds"), [("11", 11), ("0.5", 0.5), (None, 0), ("", 0)])
def test_seconds_of_a_variable(text: str | None, seconds: float) -> None:
    """A variable with a number in it names that many seconds."""
    assert words.read_seconds(text) == seconds


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", "1e9"])
def test_nonsense_in_a_variable(text: str) -> None:
    """A variable that names no usable number of seconds names none."""
    assert words.read_seconds(text) == 0
