"""The list of log events against the code that writes them."""

from __future__ import annotations

import re
from pathlib import Path

import supervisor
from supervisor.core.lifecycle import Phase
from supervisor.render.log_events import LOG_EVENTS, log_events_table

SOURCES = Path(supervisor.__file__).parent
WRITTEN = re.compile(
    r'"((?:api|app|arbiter|bug|deliver(?:y|ies)|holds?|holder|hooks?|metadata|orphans|periodic|probe|protection|queue|quiet|ready_file|settings|sidecar|sqsd|task|thread|worker)\.[a-z_]+)"'
)


def written() -> set[str]:
    """Find every name of an event in the code, beside the list itself."""
    found = {f"task.{phase.value}" for phase in (Phase.STOPPING, Phase.KILLING)}
    for path in SOURCES.rglob("*.py"):
        if path.name != "log_events.py" and path.parent.name != "emulator":
            found |= set(WRITTEN.findall(path.read_text(encoding="utf-8")))
    return {name for name in found if not name.endswith((".py", ".sock"))}


def test_the_list_has_every_event_and_no_other() -> None:
    """Nobody has to guess what a line means, and no line is promised that never comes."""
    assert set(LOG_EVENTS) == written()


def test_the_table_has_a_row_for_each() -> None:
    """README's table is the list."""
    rows = log_events_table().splitlines()
    assert len(rows) == 2 + len(LOG_EVENTS)
    assert "| `task.running` | all workers have started |" in rows
