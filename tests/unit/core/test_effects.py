"""Every order the core can give."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest

from supervisor.core import effects
from supervisor.core.effects import Effect, Level, Note, note

EFFECTS: tuple[type, ...] = get_args(Effect)


def example(effect: type) -> object:
    """Make one, with its own field names as values."""
    return effect(*(field.name for field in dataclasses.fields(effect)))


def test_the_union_lists_every_order() -> None:
    """An order that were missing from the union could be given but would never be carried out."""
    defined = {each for each in vars(effects).values() if dataclasses.is_dataclass(each)}
    assert set(EFFECTS) == defined


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_order_is_an_imperative(effect: type) -> None:
    """Orders are not named like facts: nothing has happened yet."""
    assert not effect.__name__.endswith(("ed", "Taken", "Died", "Seen", "Unknown"))


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_order_is_an_immutable_value(effect: type) -> None:
    """Orders can be compared and kept; the shell cannot change what was decided."""
    order = example(effect)
    assert order == example(effect)
    assert hash(order) == hash(example(effect))
    assert not hasattr(order, "__dict__")
    with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
        order.changed = True  # type: ignore[attr-defined]


def test_a_note_keeps_its_fields_in_the_order_given() -> None:
    """People read the most important field first, so it is named first."""
    told = note("hold.expired", Level.WARNING, hold="mail (alice)", age=5.0, work=("a", "b"))
    assert told == Note(
        "hold.expired", Level.WARNING, (("hold", "mail (alice)"), ("age", 5.0), ("work", ("a", "b")))
    )


def test_a_note_without_a_level_is_information() -> None:
    """Most notes tell that a phase has changed."""
    assert note("task.running") == Note("task.running", Level.INFO, ())
