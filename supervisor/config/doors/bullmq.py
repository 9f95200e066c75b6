"""BullMQ's door: NODE_OPTIONS, which every Node reads, because a BullMQ worker is a script like any other."""

from __future__ import annotations

from . import Door, Opened

# Read by the hook, whose way to end a worker has to be faster than our SIGKILL. No option of ours, hence the underscore.
LIMIT_VARIABLE = "_ECS_SUPERVISOR_STOP_SECONDS"

# To hand jobs back and exit, before SIGKILL.
_HAND_BACK_SECONDS = 1.0


def open_door(door: Door) -> Opened | str:
    """Load our file into every Node of the worker; it attaches where BullMQ is loaded and a worker runs."""
    file = f"{door.folder}/node/ecs_supervisor_bullmq.js"
    # Node takes words in double quotes, with a backslash before a quote or a backslash (its own rules for NODE_OPTIONS).
    quoted = '"' + file.replace("\\", "\\\\").replace('"', '\\"') + '"' if set(file) & set(' "\\') else file
    option = f"--require {quoted}"
    environ = {
        "NODE_OPTIONS": f"{door.environ.get('NODE_OPTIONS', '')} {option}".strip(),
        LIMIT_VARIABLE: f"{max(0.5, door.stop_seconds - _HAND_BACK_SECONDS):g}",
    }
    return Opened(door.command, environ, f"NODE_OPTIONS={option}")
