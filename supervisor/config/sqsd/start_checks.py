"""What a queue's attributes say against how it is to be worked on: told at the start, and never a reason not to begin."""

from __future__ import annotations

import json

from supervisor.core.problem import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .settings import SqsdSettings

# A message that is given back at a stop has been received all the same, so a few deployments in a row use up a low count.
_LEAST_RECEIVES = 5


def start_checks(settings: SqsdSettings, name: str, attributes: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return what people should know about a queue. attributes: as SQS tells them."""
    return (*_of_dead_letters(settings, name, attributes), *_of_retention(settings, name, attributes))


def _of_dead_letters(settings: SqsdSettings, name: str, attributes: Mapping[str, str]) -> tuple[Problem, ...]:
    receives = _max_receives(attributes)
    if receives is None:
        what = f"the queue {name} has no dead-letter queue"
        why = "a message that always fails is tried again and again until its retention ends"
        return (
            Problem(what, why, "give it a RedrivePolicy, with maxReceiveCount 10 as Elastic Beanstalk has"),
        )
    found = []
    if receives < _LEAST_RECEIVES:
        what = f"the queue {name} gives up messages after {receives} receives"
        why = "one that is given back when a task stops counts as received, so a healthy one can end as a dead letter"
        fix = f"raise maxReceiveCount to {_LEAST_RECEIVES} or more"
        found.append(Problem(what, why, fix))
    if settings.max_retries is not None and settings.max_retries != receives:
        what = (
            f"the queue {name} gives up messages after {receives} receives, not after {settings.max_retries}"
        )
        why = "max-retries is only compared with the queue"
        found.append(Problem(what, why, "set maxReceiveCount in its RedrivePolicy, or leave max-retries out"))
    return tuple(found)


def _of_retention(settings: SqsdSettings, name: str, attributes: Mapping[str, str]) -> tuple[Problem, ...]:
    kept = _number(attributes.get("MessageRetentionPeriod"))
    if settings.retention is None or kept is None or settings.retention >= kept:
        return ()
    what = f"messages of the queue {name} are deleted unprocessed {settings.retention} s after their first receive"
    why = f"SQS would keep them for {kept} s, and after an outage of the app they are lost"
    return (Problem(what, why, "leave the retention period out, unless old messages do harm"),)


def _max_receives(attributes: Mapping[str, str]) -> int | None:
    try:
        policy = json.loads(attributes.get("RedrivePolicy", "{}"))
        return _number(str(policy["maxReceiveCount"]))
    except (ValueError, KeyError, TypeError):
        return None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() else None
