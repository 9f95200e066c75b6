"""Looks at the queues' attributes once at the start, and says what speaks against them."""

from __future__ import annotations

from collections.abc import Callable

from supervisor.adapters.sqs.trouble import Trouble
from supervisor.config.sqsd.settings import SqsdSettings
from supervisor.config.sqsd.start_checks import start_checks
from supervisor.core.effects import Level, Note, note

from .service import Service


def look_at_queues(settings: SqsdSettings, service: Service, tell: Callable[[Note], None]) -> None:
    """Look at each; one that cannot be looked at is no reason not to work on it."""
    for spec in settings.queues:
        queue = service.queue(spec.name)
        told = queue if isinstance(queue, Trouble) else queue.attributes()
        if isinstance(told, Trouble):
            so = "whether it has a dead-letter queue, and after how many receives, was not looked at"
            tell(note("queue.unseen", Level.WARNING, queue=spec.name, why=told.detail, so=so))
            continue
        for problem in start_checks(settings, spec.name, told):
            tell(
                note(
                    "queue.doubtful",
                    Level.WARNING,
                    queue=spec.name,
                    what=problem.what,
                    why=problem.why,
                    fix=problem.fix,
                )
            )
