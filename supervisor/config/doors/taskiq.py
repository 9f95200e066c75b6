"""taskiq's door: none of its own. Our sitecustomize attaches when a process imports `taskiq.receiver`.

Its time limit for tasks at the end (--wait-tasks-timeout) is set by the hook where the user has not: an older taskiq does
not know the option and would not start.
"""

from __future__ import annotations

from . import Door, Opened

# Read by the hook. No option of ours, hence the underscore.
LIMIT_VARIABLE = "_ECS_SUPERVISOR_STOP_SECONDS"


def open_door(door: Door) -> Opened | str:
    """Leave the command as it is, and say how much time there will be."""
    return Opened(
        door.command,
        {LIMIT_VARIABLE: f"{door.stop_seconds:g}"},
        "sitecustomize, at the import of taskiq.receiver",
    )
