"""RQ's door: none of its own. Our sitecustomize attaches when the worker imports `rq.worker`.

RQ_WORKER_CLASS would be one, but `-w` on the command line goes before it, and a class put there would stand in for the
one that the user has named; supervisor/hooks/rq.py says more. RQ has no time limit for its shutdown that could be set:
after a stop signal it waits for its job as long as that takes.
"""

from __future__ import annotations

from . import Door, Opened


def open_door(door: Door) -> Opened | str:
    """Leave command and environment as they are."""
    return Opened(door.command, {}, "sitecustomize, at the import of rq.worker")
