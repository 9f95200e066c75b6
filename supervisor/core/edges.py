"""The legal moves of a machine, as data: the code may make no other, logs name the reason, README draws them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

P = TypeVar("P", bound=Enum)


@dataclass(frozen=True, slots=True)
class Edge(Generic[P]):
    """A legal move, and its reason in words."""

    from_: P
    to: P
    because: str


class IllegalMove(Exception):
    """A machine tried a move that its table does not know: a bug of ours, never the outside's fault."""


def check_move(edges: Iterable[Edge[P]], from_: P, to: P, because: str) -> P:
    """Return the phase to move to, or raise IllegalMove where the table has no such edge."""
    # Spelled out because it is on the way from a stop signal to the worker: comparing whole edges costs a call for each.
    for edge in edges:
        if edge.to is to and edge.from_ is from_ and edge.because == because:
            return to
    raise IllegalMove(f"{type(from_).__name__}: {from_.name} -> {to.name} because {because!r}")


def edges_from(froms: Iterable[P], to: P, because: str) -> tuple[Edge[P], ...]:
    """List the edges that lead from several phases to one for the same reason."""
    return tuple(Edge(from_, to, because) for from_ in froms)
