"""The control attributes of a periodic task's message, read and written: whose they are, and which forms their times have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from supervisor.config.periodic_message import PATH, SCHEDULED_TIME, TASK_NAME

# As Elastic Beanstalk's own scheduler writes it. EventBridge Scheduler writes ISO 8601.
_TIME_FORMAT = "%Y-%m-%d %H:%M:%S UTC"


@dataclass(frozen=True, slots=True)
class Periodic:
    """name, scheduled_at: None where the message does not say, or not in a way that can be read."""

    path: str | None
    name: str | None
    scheduled_at: str | None


def read_periodic(control: Mapping[str, str]) -> Periodic | None:
    """Return what the control attributes ask for, None for a plain message: a scheduled time is what makes the difference."""
    if (text := control.get(SCHEDULED_TIME)) is None:
        return None
    at = _instant(text.strip())
    return Periodic(
        control.get(PATH), control.get(TASK_NAME), None if at is None else utc_stamp(at.timestamp())
    )


def control_attributes(name: str, path: str, scheduled_at: float) -> dict[str, str]:
    """Return the attributes of the message that stands for a run; scheduled_at: seconds since the epoch."""
    when = datetime.fromtimestamp(scheduled_at, UTC).strftime(_TIME_FORMAT)
    return {PATH: path, TASK_NAME: name, SCHEDULED_TIME: when}


def utc_stamp(at: float) -> str:
    """Return seconds since the epoch as `2019-11-14T00:47:00Z`: applications parse exactly this form."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _instant(text: str) -> datetime | None:
    try:
        if text.endswith(" UTC"):
            return datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=UTC)
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
