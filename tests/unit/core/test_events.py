"""Every fact the core can be told."""

from __future__ import annotations

import dataclasses
import re
from typing import get_args

import pytest

from supervisor.core import events
from supervisor.core.events import Event, HoldTaken, Refusal, WorkerExited
from supervisor.core.names import HolderId, HoldId, WorkerName

EVENTS: tuple[type, ...] = get_args(Event)

# "It ended", "it was taken, seen, not known": what a past tense looks like here.
PAST = re.compile(r"(ed|Taken|Given|Shut|Died|Seen|Unknown)$")


def example(event: type) -> object:
    """Make one, with its own field names as values."""
    return event(*(field.name for field in dataclasses.fields(event)))


def test_the_union_lists_every_fact() -> None:
    """A fact that were missing from the union could be sent but never checked for."""
    defined = {each for each in vars(events).values() if dataclasses.is_dataclass(each)}
    assert set(EVENTS) == defined


@pytest.mark.parametrize("event", EVENTS)
def test_a_fact_is_named_in_the_past_tense(event: type) -> None:
    """A fact says what has happened, never what should follow; time alone has no tense."""
    assert PAST.search(event.__name__) or event is events.Tick


@pytest.mark.parametrize("event", EVENTS)
def test_a_fact_is_an_immutable_value(event: type) -> None:
    """A journal may keep facts, compare them and use them as keys; nobody can change one afterwards."""
    fact = example(event)
    assert fact == example(event)
    assert hash(fact) == hash(example(event))
    assert not hasattr(fact, "__dict__")
    with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
        fact.noticed_later = True  # type: ignore[attr-defined]


@pytest.mark.parametrize("event", EVENTS)
def test_a_fact_can_be_read_back_from_what_is_printed(event: type) -> None:
    """A journal line names the fact and all its fields, so that a production incident becomes a test case."""
    fact = example(event)
    assert eval(repr(fact), vars(events)) == fact


def test_every_answer_of_the_protector_carries_its_attempt() -> None:
    """An answer can be told from a stale one, whichever it is, and nothing else carries such a number."""
    answers = set(get_args(events.ProtectionAnswer))
    assert answers == {
        event for event in EVENTS if "attempt" in (field.name for field in dataclasses.fields(event))
    }


def test_the_kinds_of_refusal_differ_in_what_they_say() -> None:
    """Each refusal has a clause of its own for people."""
    assert len({kind.value for kind in Refusal}) == len(list(Refusal)) == 4


def test_what_a_hook_need_not_say_is_left_out() -> None:
    """The plainest hold has no time limit, asks nothing and is work; the plainest end was no signal's."""
    hold = HoldTaken(HoldId("j1"), HolderId("alice"), "mail")
    assert (hold.ttl, hold.asks, hold.fetching) == (None, False, False)
    assert WorkerExited(WorkerName("web"), 0).by_signal is None
