"""The legal moves of the machines, as data."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import pytest

from supervisor.core import delivery, holds, lifecycle, protection, worker
from supervisor.core.edges import Edge, IllegalMove, check_move, edges_from


class Light(Enum):
    RED = "red"
    GREEN = "green"


EDGES = (Edge(Light.RED, Light.GREEN, "the road is free"),)

# Each machine: its table, the phases in which it may begin, and those from which nothing leads on.
MACHINES = (
    (holds.EDGES, {holds.Phase.WAITING, holds.Phase.HELD}, {holds.Phase.ENDED}),
    (
        protection.EDGES,
        {protection.Phase.LOOKING, protection.Phase.ABSENT},
        {protection.Phase.MOOT, protection.Phase.ABSENT},
    ),
    (worker.EDGES, {worker.Phase.STARTING}, {worker.Phase.EXITED, worker.Phase.FATAL}),
    (lifecycle.EDGES, {lifecycle.Phase.STARTING}, {lifecycle.Phase.EXITED}),
    (delivery.EDGES, {delivery.Phase.RECEIVED}, {delivery.Phase.ENDED}),
)


def test_a_move_in_the_table_is_made() -> None:
    """The phase to move to is returned, so that a move and its check are one expression."""
    assert check_move(EDGES, Light.RED, Light.GREEN, "the road is free") is Light.GREEN


@pytest.mark.parametrize(
    ("from_", "to", "because"),
    [
        (Light.GREEN, Light.RED, "the road is free"),
        (Light.RED, Light.RED, "the road is free"),
        (Light.RED, Light.GREEN, "I am late"),
    ],
)
def test_a_move_outside_the_table_is_refused_by_name(from_: Light, to: Light, because: str) -> None:
    """Another way, another end or another reason is illegal, and the message says which."""
    with pytest.raises(IllegalMove, match=f"Light: {from_.name} -> {to.name} because '{because}'"):
        check_move(EDGES, from_, to, because)


def test_one_reason_for_several_phases_is_several_edges() -> None:
    """`edges_from` lists the edge from each phase, in order."""
    assert edges_from(Light, Light.RED, "night") == (
        Edge(Light.RED, Light.RED, "night"),
        Edge(Light.GREEN, Light.RED, "night"),
    )


@pytest.mark.parametrize("edges", [edges for edges, _, _ in MACHINES])
def test_no_move_is_listed_twice(edges: tuple[Edge[Enum], ...]) -> None:
    """A table says everything once."""
    assert len(set(edges)) == len(edges)


@pytest.mark.parametrize(("edges", "first", "last"), MACHINES)
def test_every_phase_can_be_reached(edges: tuple[Edge[Enum], ...], first: set[Enum], last: set[Enum]) -> None:
    """No phase exists that no way leads to."""
    assert reachable(edges, first) == set(type(next(iter(last))))


@pytest.mark.parametrize(("edges", "first", "last"), MACHINES)
def test_every_phase_leads_to_an_end(
    edges: tuple[Edge[Enum], ...], first: set[Enum], last: set[Enum]
) -> None:
    """From every phase some way leads to a final one, and from a final one none leads on."""
    assert {edge.from_ for edge in edges}.isdisjoint(last)
    assert first <= set(type(next(iter(last))))
    backwards = tuple(Edge(edge.to, edge.from_, edge.because) for edge in edges)
    assert reachable(backwards, last) == set(type(next(iter(last))))


def test_on_the_way_out_phases_only_advance() -> None:
    """Draining, stopping, killing, exited: no edge leads back, and none to where work is taken."""
    order = list(lifecycle.Phase)
    way_out = order[order.index(lifecycle.Phase.DRAINING) :]
    leaving = [edge for edge in lifecycle.EDGES if edge.from_ in way_out]
    assert leaving
    assert all(order.index(edge.to) > order.index(edge.from_) for edge in leaving)


def test_a_hold_that_has_begun_never_waits_again() -> None:
    """Granted is granted: only from waiting can a hold be granted or refused."""
    assert {edge.to for edge in holds.EDGES if edge.from_ is holds.Phase.HELD} == {holds.Phase.ENDED}


def reachable(edges: tuple[Edge[Enum], ...], first: Iterable[Enum]) -> set[Enum]:
    found: set[Enum] = set()
    ahead = set(first)
    while ahead:
        found |= ahead
        ahead = {edge.to for edge in edges if edge.from_ in found} - found
    return found
