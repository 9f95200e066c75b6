"""Looks at the queues once at the start: at what the task may do with them, and at their attributes; says what speaks against them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from supervisor.adapters.sqs.queue import Queue
from supervisor.adapters.sqs.trouble import Kind, Trouble
from supervisor.config.sqsd.settings import SqsdSettings
from supervisor.config.sqsd.start_checks import start_checks
from supervisor.core.effects import Level, Note, note
from supervisor.core.problem import Problem

from .service import Service

# What follows where a queue's attributes are not told.
UNSEEN = "whether it has a dead-letter queue, and after how many receives, was not looked at"

# The receipt of no message. Whoever lacks the action is told so, anybody else that there is no such receipt.
_NOBODYS = "whether-we-may"


def look_at_queues(settings: SqsdSettings, service: Service, tell: Callable[[Note], None]) -> None:
    """Look at each; one that cannot be looked at is no reason not to work on it."""
    for spec in settings.queues:
        queue = service.queue(spec.name)
        told = queue if isinstance(queue, Trouble) else queue.attributes()
        if isinstance(queue, Queue):
            for problem in missing_rights(queue):
                tell(_doubtful(Level.ERROR, spec.name, problem))
        if isinstance(told, Trouble):
            tell(note("queue.unseen", Level.WARNING, queue=spec.name, why=told.detail, so=UNSEEN))
            continue
        for problem in start_checks(settings, spec.name, told):
            tell(_doubtful(Level.WARNING, spec.name, problem))


def missing_rights(queue: Queue) -> Iterator[Problem]:
    """Try what is otherwise tried first when a job is done. A poll tells of itself whether it is allowed."""
    tried = {
        "sqs:DeleteMessage": (
            queue.delete(_NOBODYS),
            "jobs that are done stay in the queue, and run again and again",
        ),
        "sqs:ChangeMessageVisibility": (
            queue.change_visibility(_NOBODYS, 0),
            "a job that takes long runs twice, and what failed or is given back stays hidden until its visibility timeout",
        ),
    }
    for action, (trouble, why) in tried.items():
        if trouble is not None and trouble.kind is Kind.DENIED:
            yield right_missing(action, queue.name, trouble, why)


def right_missing(action: str, name: str, trouble: Trouble, why: str) -> Problem:
    """Say that the task role lacks an action."""
    what = f"this task may not {action} on the queue {name} ({trouble.detail})"
    return Problem(what, why, f"allow {action} on the queue in the policy of the task role")


def _doubtful(level: Level, queue: str, problem: Problem) -> Note:
    return note("queue.doubtful", level, queue=queue, what=problem.what, why=problem.why, fix=problem.fix)
