"""Values with some of their fields changed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any, cast

import pytest

from supervisor.core import changes
from supervisor.core.delivery import values
from supervisor.core.delivery.facts import Received
from supervisor.core.instants import Instant


def test_a_changed_value_is_another_one() -> None:
    """The old one is as it was; what was not named is the same; and neither can be written to."""
    old = values.App(tries=1)
    new = changes.replace(old, is_ready=True, tries=2)
    assert (old, new) == (values.App(tries=1), values.App(is_ready=True, tries=2))
    with pytest.raises(FrozenInstanceError):
        cast(Any, new).tries = 3


def test_there_is_no_new_field() -> None:
    """A slip of the pen is no silent loss."""
    with pytest.raises(TypeError, match="App has no such field: trys"):
        cast(Any, changes.replace)(values.App(), trys=1)


@pytest.mark.parametrize("kind", [values.App, values.Queue, values.Delivery, values.Deliveries, Received])
def test_what_changes_can_be_changed(kind: type[Any]) -> None:
    """Values with slots have nothing that could be copied in one step."""
    value = kind(*[Instant(1.0) for _ in fields(kind)])
    assert changes.replace(value) == value
