"""The machines of the core as Mermaid state diagrams, drawn from their tables of legal moves."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from supervisor.core import attachments, delivery, holds, lifecycle, probing, protection, worker
from supervisor.core.edges import Edge, P

# From so many phases on, a move that is legal in all of them is drawn as one arrow: eight that cross hide the rest.
_MANY_PHASES = 4

_ANY = "any"


def diagrams() -> str:
    """Return Markdown: every machine with a heading of its own."""
    drawn = {
        "The task": diagram(lifecycle.EDGES, (lifecycle.Phase.STARTING,)),
        "Protection": diagram(protection.EDGES, (protection.Phase.LOOKING, protection.Phase.ABSENT)),
        "A hold": diagram(holds.EDGES, (holds.Phase.WAITING, holds.Phase.HELD)),
        "A hook's gate": diagram(attachments.EDGES, (attachments.Phase.OPEN,)),
        "A worker": diagram(worker.EDGES, (worker.Phase.STARTING,)),
        "A probe": diagram(probing.EDGES, (probing.Phase.LOOKING,)),
        "A delivery": diagram(delivery.EDGES, (delivery.Phase.RECEIVED,)),
    }
    return "\n".join(f"### {heading}\n\n```mermaid\n{text}```\n" for heading, text in drawn.items())


def diagram(edges: Iterable[Edge[P]], first: Iterable[P]) -> str:
    """Return one state diagram: an arrow for each pair of phases, labelled with all its reasons."""
    table, begins = tuple(edges), tuple(first)
    left = {edge.from_ for edge in table}
    # In the order of first mention, so that the text changes no more than the table does.
    ends = dict.fromkeys(phase for phase in (*(edge.to for edge in table), *begins) if phase not in left)
    reasons: dict[tuple[str, str], dict[str, None]] = {}
    for edge in table:
        reasons.setdefault((_from(edge, table, left), _node(edge.to)), {})[edge.because] = None
    lines = [
        *(f'state "any phase but the last" as {_ANY}' for from_ in {from_ for from_, _ in reasons} & {_ANY}),
        *(f"[*] --> {_node(phase)}" for phase in begins),
        *(f"{from_} --> {to}: {'<br/>'.join(why)}" for (from_, to), why in reasons.items()),
        *(f"{_node(phase)} --> [*]" for phase in ends),
    ]
    return "".join(f"{line}\n" for line in ("stateDiagram-v2", *(f"    {line}" for line in lines)))


def _from(edge: Edge[P], table: tuple[Edge[P], ...], left: set[P]) -> str:
    """Return where an arrow begins: at its phase, or at the one that stands for all of them."""
    alike = {other.from_ for other in table if (other.to, other.because) == (edge.to, edge.because)}
    return _ANY if alike == left and len(left) >= _MANY_PHASES else _node(edge.from_)


def _node(phase: Enum) -> str:
    return phase.name.lower()
