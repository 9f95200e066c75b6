"""puma's door: there is none. Its time limits can be set in its config file and nowhere else, so they can only be advised.

Alone it waits for requests in flight as long as they take; with workers (`-w`) 30 s, then it kills them.
"""

from __future__ import annotations

from . import Door, Opened

# From its limit to its exit.
_LAST_SECONDS = 1.5


def open_door(door: Door) -> Opened | str:
    """Say what to write into the config file."""
    limit = max(1, int(door.stop_seconds - _LAST_SECONDS))
    return (
        "only its config file can limit requests in flight: write `worker_shutdown_timeout"
        f" {limit}` (with workers) or `force_shutdown_after {limit}` there"
    )
