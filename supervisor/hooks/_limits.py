"""How long a worker has from its stop signal until it is killed; for the time limits that frameworks have themselves."""

from __future__ import annotations

import os
import time

from ._client import client

# Set by the doors, as no more can be known at the start.
LIMIT_VARIABLE = "_ECS_SUPERVISOR_STOP_SECONDS"

LEAST_SECONDS = 0.5
# Where the supervisor has died, nobody will send that SIGKILL.
UNLIMITED_SECONDS = 86400.0


def stop_limit(margin: float) -> float | None:
    """Return the seconds that are left for jobs, `margin` less than until SIGKILL; None where nobody says."""
    here = client()
    if here.supervisor_is_dead():
        return UNLIMITED_SECONDS
    given = here.look().seconds_left
    if given is None:
        try:
            given = float(os.environ[LIMIT_VARIABLE])
        except (KeyError, ValueError):
            return None
    return max(given - margin, LEAST_SECONDS)


def is_over(deadline: float) -> bool:
    """Whether the time for jobs is up; not where the supervisor has died since the stop began, and nobody sends that SIGKILL."""
    return time.monotonic() >= deadline and not client().supervisor_is_dead()
