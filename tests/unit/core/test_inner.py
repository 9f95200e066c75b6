"""What one machine tells another."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import pytest

from supervisor.core import inner
from supervisor.core.effects import Effect
from supervisor.core.events import Event
from supervisor.core.names import HoldId, WorkerName

MESSAGES = (
    inner.DemandIs(wanted=True),
    inner.FlightIs(work=((HoldId("j1"), "mail (alice)"),)),
    inner.GatesAre(count=2, unconfirmed=("celery w1",)),
    inner.WorkersAre(alive=(WorkerName("web"),), pending=False, status=None, failed=False),
    inner.ProtectionIs(confirmed=True, applicable=True, hopeless=None),
    inner.ProtectionWants(quiet=None, settled=True),
    inner.StopBegan(by_platform=True),
)


def test_every_message_has_an_example_here() -> None:
    """The union lists every message there is."""
    assert {type(message) for message in MESSAGES} == set(get_args(inner.Inner))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_is_a_value(message: inner.Inner) -> None:
    """The engine passes a message on only when it differs from the last one, so equal ones must be equal."""
    again = dataclasses.replace(message)
    assert again == message
    assert hash(again) == hash(message)
    field = dataclasses.fields(message)[0].name
    another: dict[str, Any] = {field: "another"}
    assert dataclasses.replace(message, **another) != message
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(message, field, "another")


def test_messages_stay_inside() -> None:
    """No message is a fact or an order: the shell neither sends nor sees one."""
    assert set(get_args(inner.Inner)).isdisjoint({*get_args(Event), *get_args(Effect)})
