"""Immutable values without dataclasses."""

from __future__ import annotations

import pytest

from supervisor.core.frozen import Frozen


class Point(Frozen):
    x: int
    y: int


class Size(Frozen):
    x: int
    y: int


class Positive(Frozen):
    number: int

    def __post_init__(self) -> None:
        if self.number <= 0:
            raise ValueError(f"{self.number} is not positive")


@pytest.mark.parametrize("point", [Point(1, 2), Point(1, y=2), Point(y=2, x=1)])
def test_fields_are_given_by_position_or_by_name(point: Point) -> None:
    """Positions follow the order of the annotations."""
    assert (point.x, point.y) == (1, 2)


@pytest.mark.parametrize(
    ("values", "named"),
    [((1,), {}), ((1, 2, 3), {}), ((1,), {"z": 2}), ((1, 2), {"y": 2}), ((1,), {"x": 1}), ((), {})],
)
def test_every_field_is_given_exactly_once(values: tuple[int, ...], named: dict[str, int]) -> None:
    """A field that is missing, unknown or given twice is a TypeError that names the fields."""
    with pytest.raises(TypeError, match="Point takes exactly x, y"):
        Point(*values, **named)


def test_a_value_cannot_be_changed() -> None:
    """Neither assigning nor deleting a field is possible, and there is no room for others."""
    point = Point(1, 2)
    with pytest.raises(AttributeError, match="x cannot be changed"):
        point.x = 3  # type: ignore[misc]
    with pytest.raises(AttributeError, match="x cannot be removed"):
        del point.x
    assert not hasattr(point, "__dict__")
    assert point == Point(1, 2)


def test_values_are_equal_when_class_and_fields_are() -> None:
    """Equal values have equal hashes; the same fields in another class are another value."""
    assert Point(1, 2) == Point(1, 2)
    assert hash(Point(1, 2)) == hash(Point(1, 2))
    assert Point(1, 2) != Point(2, 1)
    assert Point(1, 2) != Size(1, 2)
    assert len({Point(1, 2), Size(1, 2), Point(1, 2)}) == 2


def test_a_value_prints_as_it_is_written() -> None:
    """The repr is the call that makes it."""
    assert repr(Point(1, 2)) == "Point(x=1, y=2)"


def test_a_value_can_be_taken_apart_by_position() -> None:
    """Patterns see the fields in order."""
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)


def test_impossible_values_are_not_made() -> None:
    """What __post_init__ raises comes out of the construction."""
    with pytest.raises(ValueError, match="0 is not positive"):
        Positive(0)


def test_a_value_is_replaced_in_part() -> None:
    """Another value of the same class, checked like any; the old one stays as it was."""
    point = Point(1, 2)
    assert (point.replaced(y=3), point) == (Point(1, 3), Point(1, 2))
    with pytest.raises(TypeError):
        point.replaced(z=3)
