"""Sends periodic messages to the first queue, as soon as there is what that takes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from supervisor.adapters.sqs.queue import Queue
from supervisor.adapters.sqs.trouble import Trouble
from supervisor.adapters.sqsd.service import Service
from supervisor.config.sqsd.settings import SqsdSettings
from supervisor.core.effects import Level, Note, note
from supervisor.core.ticks import RETRY_SECONDS

from .claims import Claims, FreeClaims, table_claims
from .sender import CronSender


def send_periodic(
    settings: SqsdSettings,
    service: Service,
    identity: str,
    wall: Callable[[], float],
    tell: Callable[[Note], None],
) -> None:
    """Send for ever. identity: whose claims are ours. wall: seconds since the epoch."""
    told, pause = "", threading.Event()
    # Credentials may come late; what is missed meanwhile is sent once they are there.
    while isinstance(means := _means(settings, service, identity), Trouble):
        if told != means.detail:
            told = means.detail
            tell(note("periodic.failed", Level.WARNING, why=f"no run can be sent: {told}"))
        pause.wait(RETRY_SECONDS)
    CronSender(settings.cron, *means, wall, tell).work()


def _means(settings: SqsdSettings, service: Service, identity: str) -> tuple[Queue, Claims] | Trouble:
    first = settings.queues[0].name
    queue = service.queue(first)
    if isinstance(queue, Trouble):
        return queue
    if settings.cron_table is None:
        return queue, FreeClaims()
    claims = table_claims(settings.cron_table, settings.region, first, identity)
    return claims if isinstance(claims, Trouble) else (queue, claims)
