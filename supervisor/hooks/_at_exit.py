"""Calls something when this process ends in order, also as a child of multiprocessing, which skips atexit."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable


def call(what: Callable[[], object]) -> None:
    """Have it called once at least, in this process and in all that it forks."""
    atexit.register(what)
    for library in ("multiprocessing.util", "billiard.util"):
        finalize = getattr(sys.modules.get(library), "Finalize", None)
        if finalize is not None:
            # Below zero: after it has waited for its own children.
            finalize(None, what, exitpriority=-100)
