"""arq's door: none of its own. Our sitecustomize attaches when the worker imports `arq.worker`.

Without a `job_completion_wait` in the settings arq cancels its running jobs at the stop signal, and each loses one of its
tries. The hook gives it one, from the time that stands in the environment or, better, that is left when the signal comes.
"""

from __future__ import annotations

from . import Door, Opened

# Read by the hook. No option of ours, hence the underscore.
LIMIT_VARIABLE = "_ECS_SUPERVISOR_STOP_SECONDS"


def open_door(door: Door) -> Opened | str:
    """Leave the command as it is, and say how much time there will be."""
    if door.at >= 0 and "--check" in door.command[door.arguments :]:
        return "`arq --check` runs no jobs"
    return Opened(
        door.command, {LIMIT_VARIABLE: f"{door.stop_seconds:g}"}, "sitecustomize, at the import of arq.worker"
    )
