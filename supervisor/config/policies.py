"""Makes the core's policies about holds and protection of settings, for whoever decides by them: a supervisor or an arbiter."""

from __future__ import annotations

from supervisor.core.holds import HoldPolicy
from supervisor.core.protection import ProtectionPolicy, WhenBlocked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .settings import RunSettings

_MINUTE_SECONDS = 60.0

# Until every hook has connected again to one who takes another's place: two of the longest pauses between a client's attempts
# (5 s, and up to half of it more; hooks/_connection.py).
RECONNECT_SECONDS = 15.0


def hold_policy(settings: RunSettings) -> HoldPolicy:
    """Return when a job counts, and what one hears that waits."""
    return HoldPolicy(
        after=settings.protect_after if settings.protect == "after" else 0.0,
        before_start=settings.protect == "before-start",
        wait=settings.protect_wait,
        fail_open=settings.protect_failure == "open",
    )


def protection_policy(
    settings: RunSettings, least_release_delay: float = 0.0, turns_back: bool = False
) -> ProtectionPolicy:
    """Return how to ask for protection and when to let it go.

    least_release_delay: seconds, whatever the settings say. turns_back: work that was refused protection can be given back.
    """
    # Where no job may start unprotected, the next one would only be refused as well.
    closed = settings.protect_failure == "closed" or turns_back
    all_refused = settings.protect == "before-start" and closed
    return ProtectionPolicy(
        lease_minutes=settings.lease_minutes,
        renew_before=settings.renew_before_minutes * _MINUTE_SECONDS,
        release_delay=max(settings.release_delay, least_release_delay),
        when_blocked=WhenBlocked(settings.when_blocked),
        budget=settings.protected_budget_minutes * _MINUTE_SECONDS or float("inf"),
        window=settings.release_window,
        refused_window=settings.release_window if all_refused else 0.0,
    )
