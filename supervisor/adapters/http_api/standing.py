"""How things stand, as every answer says it."""

from __future__ import annotations

from supervisor.core.snapshot import Standing


def is_accepting(standing: Standing) -> bool:
    """Say whether new work is welcome."""
    return standing.accepting and not standing.stopping


def as_fields(standing: Standing) -> dict[str, object]:
    """Return what somebody with work wants to know. why: what speaks against protection, if anything."""
    return {
        "phase": standing.phase,
        "accepting": is_accepting(standing),
        "stopping": standing.stopping,
        "seconds_left": rounded(standing.seconds_left),
        "protected": standing.protected,
        "protected_for": rounded(standing.protected_for),
        "why": standing.because,
    }


def rounded(seconds: float | None) -> float | None:
    """Return seconds as they are shown: to the millisecond."""
    return None if seconds is None else round(seconds, 3)
