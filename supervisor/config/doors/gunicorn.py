"""gunicorn's door: its own limit for requests in flight, set below ours, so that it ends in order and is not killed.

GUNICORN_CMD_ARGS goes before a config file and after the command line, so a limit that stands in either of the two places
that can be seen from here is left alone, and with a config file named there it is the file's word that counts.
"""

from __future__ import annotations

from . import Door, Opened, value_of

VARIABLE = "GUNICORN_CMD_ARGS"

# From its limit to its exit, gunicorn ends its workers and waits for them.
_LAST_SECONDS = 1.5


def open_door(door: Door) -> Opened | str:
    """Set --graceful-timeout where nobody has."""
    given = door.environ.get(VARIABLE, "")
    words = (*door.command[max(door.arguments, 0) :], *given.split())
    limit = max(1, int(door.stop_seconds - _LAST_SECONDS))
    if (own := value_of(words, "--graceful-timeout")) is not None:
        return f"its own --graceful-timeout is {own} s; {limit} s is the most that ends before SIGKILL"
    if value_of(words, "-c", "--config") is not None:
        return f"its config file may set graceful_timeout; {limit} s is the most that ends before SIGKILL"
    return Opened(
        door.command, {VARIABLE: f"{given} --graceful-timeout {limit}".strip()}, f"graceful timeout {limit} s"
    )
