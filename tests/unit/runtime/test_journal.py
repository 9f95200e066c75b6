"""The journal comes back from text as it was, and leads a fresh engine to the same orders."""

from __future__ import annotations

import dataclasses
import json
from enum import Enum
from typing import Any, get_args, get_type_hints

import pytest

from supervisor.core.delivery.facts import (
    DeliveryAnswered,
    DeliveryFailed,
    Extended,
    Failure,
    PollEnded,
    PollFailed,
    Received,
    ReturnFailed,
    Trouble,
)
from supervisor.core.delivery.names import Call, DeliveryId, PollId, QueueName
from supervisor.core.delivery.orders import Poll, Return
from supervisor.core.effects import Effect, Level, Note, note
from supervisor.core.engine import Engine
from supervisor.core.events import (
    DrainRequested,
    Event,
    HoldReleased,
    HoldTaken,
    StopRequested,
    WorkerExited,
    WorkerSpawned,
)
from supervisor.core.holds import HoldPolicy
from supervisor.core.instants import NEVER, Instant
from supervisor.core.lifecycle import LifecyclePolicy
from supervisor.core.names import HolderId, HoldId, WorkerName
from supervisor.core.plan import StopPlan
from supervisor.core.policy import Policy
from supervisor.core.sequence import parse
from supervisor.core.worker import RestartPolicy
from supervisor.runtime.journal import Entry, Journal, decode, encode, replay

WEB = WorkerName("web")


def example(made: type) -> Any:
    """Make a value of one of the core's classes with something in every field."""
    hints = get_type_hints(made)
    return made(**{field.name: value_of(hints[field.name]) for field in dataclasses.fields(made)})


def value_of(hint: Any) -> object:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return list(hint)[-1]
    kind = getattr(hint, "__supertype__", hint)
    kind = next((each for each in get_args(kind) if each is not type(None)), kind)
    return {str: "never", int: 7, float: 1.5, bool: True}.get(
        kind, (("a", 1), ("b", ("c", "d")), ("e", None))
    )


@pytest.mark.parametrize("made", get_args(Event) + get_args(Effect), ids=lambda made: made.__name__)
def test_every_fact_and_order_survives_the_way_through_text(made: Any) -> None:
    """Every class of the core's unions comes back from its line as it was."""
    value = example(made)
    is_event = made in get_args(Event)
    entry = (
        Entry(Instant(1.25), value, ()) if is_event else Entry(Instant(1.25), StopRequested("x"), (value,))
    )
    line = encode(entry)
    assert "\n" not in line
    assert decode(line) == entry


RECEIVED = Received(DeliveryId("1"), "m", "r", None, 2, 0.5, 3)
CALL = Call(DeliveryId("1"), 4, "r")


@pytest.mark.parametrize(
    "fact",
    [
        PollEnded(PollId(1), (RECEIVED, RECEIVED)),
        PollFailed(PollId(1), Trouble.DENIED, "no"),
        DeliveryAnswered(DeliveryId("1"), 503, 2.5),
        DeliveryFailed(DeliveryId("1"), Failure.CUT),
        ReturnFailed((CALL, CALL), Trouble.LOST),
        Extended(CALL),
    ],
)
def test_what_becomes_of_messages_survives_too(fact: Any) -> None:
    """`sqsd` has facts of its own, with values in them."""
    entry = Entry(Instant(1.0), fact, ())
    assert decode(encode(entry)) == entry


def test_orders_about_messages_survive_too() -> None:
    """The same for its orders."""
    orders: tuple[Any, ...] = (Poll(PollId(1), QueueName("q"), 5, 20), Return((CALL,), QueueName("q"), 0))
    entry = Entry(Instant(1.0), StopRequested("x"), orders)
    assert decode(encode(entry)) == entry


def test_never_is_a_word() -> None:
    """An instant that never comes is written so that any JSON reader takes it."""
    line = encode(Entry(Instant(0.0), DrainRequested("deploy", NEVER), ()))
    assert json.loads(line, parse_constant=pytest.fail)["event"]["DrainRequested"]["deadline"] == "never"
    assert decode(line).event == DrainRequested("deploy", NEVER)


def test_the_oldest_entries_are_forgotten_and_counted() -> None:
    """The journal is bounded, and says what is missing."""
    journal = Journal(Instant(5.0), capacity=2)
    for at in (6.0, 7.0, 8.0):
        journal.add(Instant(at), StopRequested("x"), ())
    head, *lines = journal.lines()
    assert json.loads(head) == {"journal": 1, "started": 5.0, "forgotten": 1}
    assert [decode(line).at for line in lines] == [7.0, 8.0]


def test_lines_are_as_of_the_moment_they_were_asked_for() -> None:
    """Another thread may write the lines while the journal goes on."""
    journal = Journal(Instant(0.0))
    journal.add(Instant(1.0), StopRequested("x"), ())
    lines = journal.lines()
    journal.add(Instant(2.0), StopRequested("y"), ())
    assert len(list(lines)) == 2


def test_a_replayed_journal_gives_the_same_orders() -> None:
    """What was recorded, fed to a fresh engine, leads to the orders that were recorded."""
    engine, journal = fresh_engine(), Journal(Instant(0.0))
    story: tuple[tuple[float, Event], ...] = (
        (0.1, WorkerSpawned(WEB, 10)),
        (1.0, HoldTaken(HoldId("10#1/1"), HolderId("10#1"), "send_mail")),
        (2.0, StopRequested("SIGTERM")),
        (3.0, HoldReleased(HoldId("10#1/1"))),
        (4.0, WorkerExited(WEB, 0)),
    )
    for at, event in story:
        journal.add(Instant(at), event, engine.handle(event, Instant(at)))
    again = list(replay(journal.lines(), fresh_engine()))
    assert [entry.event for entry, _ in again] == [event for _, event in story]
    assert all(entry.effects == effects for entry, effects in again)
    assert any(isinstance(effect, Note) for _, effects in again for effect in effects)


def test_a_replay_shows_where_an_engine_decides_differently() -> None:
    """A recorded order that the engine does not give is seen."""
    recorded = encode(Entry(Instant(0.1), WorkerSpawned(WEB, 10), (note("never.said", Level.ERROR),)))
    ((entry, effects),) = replay([recorded], fresh_engine())
    assert entry.effects != effects


def fresh_engine() -> Engine:
    stages, _ = parse("QUIET 10 TERM 5 KILL 1")
    policy = Policy((WEB,), LifecyclePolicy(StopPlan(stages, 30, 2)), HoldPolicy(), RestartPolicy(), None)
    return Engine(policy, Instant(0.0), strict=True)
