"""uvicorn's door: its own limit for requests in flight, set below ours; without one it waits for them until it is killed.

Every option of its command has a variable (`UVICORN_` and its name), which its command line goes before. A program that
calls `uvicorn.run` itself does not read them.
"""

from __future__ import annotations

from . import Door, Opened, value_of

VARIABLE = "UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"

# From its limit to its exit, uvicorn cancels what is left and runs the application's shutdown.
_LAST_SECONDS = 1.5


def open_door(door: Door) -> Opened | str:
    """Set --timeout-graceful-shutdown where nobody has."""
    words = door.command[max(door.arguments, 0) :]
    own = value_of(words, "--timeout-graceful-shutdown") or door.environ.get(VARIABLE)
    limit = max(1, int(door.stop_seconds - _LAST_SECONDS))
    if own:
        return (
            f"its own --timeout-graceful-shutdown is {own} s; {limit} s is the most that ends before SIGKILL"
        )
    return Opened(door.command, {VARIABLE: str(limit)}, f"graceful timeout {limit} s")
