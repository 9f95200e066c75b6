"""The machines as pictures."""

from __future__ import annotations

import re
from enum import Enum

import pytest

from supervisor.core import holds, lifecycle, probing, protection, worker
from supervisor.core.edges import Edge, edges_from
from supervisor.render.mermaid import diagram, diagrams

TABLES = (lifecycle.EDGES, protection.EDGES, holds.EDGES, worker.EDGES, probing.EDGES)
ARROW = re.compile(r"^    (?P<from>[a-z]+) --> (?P<to>[a-z]+): (?P<why>.+)$", re.MULTILINE)


class Light(Enum):
    RED = "stop"
    AMBER = "slow"
    GREEN = "go"
    BROKEN = "dark at night"


EDGES = (
    Edge(Light.RED, Light.GREEN, "the road is free"),
    Edge(Light.GREEN, Light.AMBER, "somebody waits"),
    Edge(Light.RED, Light.GREEN, "an ambulance comes"),
    Edge(Light.AMBER, Light.RED, "somebody waits"),
    *edges_from((Light.RED, Light.GREEN), Light.BROKEN, "the bulb fails"),
)


def test_a_diagram_shows_beginning_moves_and_end() -> None:
    """One arrow for each pair of phases with all its reasons, in the order of the table."""
    assert diagram(EDGES, (Light.RED,)) == (
        "stateDiagram-v2\n"
        "    [*] --> red\n"
        "    red --> green: the road is free<br/>an ambulance comes\n"
        "    green --> amber: somebody waits\n"
        "    amber --> red: somebody waits\n"
        "    red --> broken: the bulb fails\n"
        "    green --> broken: the bulb fails\n"
        "    broken --> [*]\n"
    )


def test_a_phase_may_be_beginning_and_end() -> None:
    """A phase that no move touches is drawn all the same, where a machine may begin in it."""
    drawn = diagram(EDGES, (Light.RED, Light.BROKEN)).splitlines()
    assert drawn.count("    [*] --> broken") == drawn.count("    broken --> [*]") == 1
    assert diagram((), (Light.RED,)).splitlines() == ["stateDiagram-v2", "    [*] --> red", "    red --> [*]"]


def test_a_move_from_everywhere_is_one_arrow() -> None:
    """Where every phase that leads on may make a move for the same reason, the picture says so once."""
    phases = list(protection.Phase)[:5]
    ring = tuple(
        Edge(here, there, "on") for here, there in zip(phases, [*phases[1:], phases[0]], strict=True)
    )
    end = list(protection.Phase)[5]
    drawn = diagram((*ring, *edges_from(phases, end, "off"), Edge(phases[0], end, "bang")), phases[:1])
    assert '    state "any phase but the last" as any\n' in drawn
    assert drawn.count("off") == 1
    assert f"    any --> {end.name.lower()}: off\n" in drawn
    assert f"    {phases[0].name.lower()} --> {end.name.lower()}: bang\n" in drawn


@pytest.mark.parametrize("edges", TABLES)
def test_every_reason_can_be_read_in_the_picture(edges: tuple[Edge[Enum], ...]) -> None:
    """The picture of a machine has every move of its table and no other."""
    phases = {edge.from_ for edge in edges}
    moves = set()
    for arrow in ARROW.finditer(diagram(edges, ())):
        froms = {phase.name.lower() for phase in phases} if arrow["from"] == "any" else {arrow["from"]}
        moves |= {(from_, arrow["to"], because) for from_ in froms for because in arrow["why"].split("<br/>")}
    assert moves == {(edge.from_.name.lower(), edge.to.name.lower(), edge.because) for edge in edges}


@pytest.mark.parametrize("edges", TABLES)
def test_no_reason_has_a_character_that_mermaid_reads(edges: tuple[Edge[Enum], ...]) -> None:
    """A colon, a semicolon, a quote or a bracket in a label would break the picture."""
    assert [edge.because for edge in edges if re.search(r'[:;"#<>{}\[\]\n]', edge.because)] == []


def test_all_machines_are_drawn_under_headings() -> None:
    """README takes the text as it is: a heading and a closed fence for each machine."""
    text = diagrams()
    headings = [line for line in text.splitlines() if line.startswith("#")]
    machines = ("The task", "Protection", "A hold", "A hook's gate", "A worker", "A probe", "A delivery")
    assert headings == [f"### {machine}" for machine in machines]
    assert text.count("```mermaid\nstateDiagram-v2\n") == len(machines)
    assert text.count("```") == 2 * len(machines)
    assert all(edge.because in text for edges in TABLES for edge in edges)


def test_every_machine_begins_where_it_really_begins() -> None:
    """The first phases drawn are those in which the core creates its machines."""
    starts = re.findall(r"\[\*\] --> (\w+)", diagrams())
    expected = ["starting", "looking", "absent", "waiting", "held", "open", "starting", "looking", "received"]
    assert starts == expected
