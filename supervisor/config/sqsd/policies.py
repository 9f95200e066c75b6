"""Makes the core's policy about deliveries of the settings."""

from __future__ import annotations

from supervisor.core.delivery.names import QueueName
from supervisor.core.delivery.policy import DeliveryPolicy, QueuePolicy

from .settings import SqsdSettings


def delivery_policy(settings: SqsdSettings, identity: str) -> DeliveryPolicy:
    """Return how messages are taken and what becomes of them. identity: tells this task from its siblings.

    The app lives on after us only where we have not started it.
    """
    app = settings.app
    return DeliveryPolicy(
        queues=tuple(
            # Of a FIFO queue one at a time: what waits behind the first of its group could not begin, and takes room.
            QueuePolicy(QueueName(queue.name), queue.weight, is_fifo=True, batch=1)
            if queue.is_fifo
            else QueuePolicy(QueueName(queue.name), queue.weight)
            for queue in settings.queues
        ),
        connections=settings.connections,
        is_strict=settings.is_strict,
        wait=settings.wait,
        visibility_timeout=settings.visibility_timeout,
        keeps_leases=settings.keeps_leases,
        inactivity_timeout=app.inactivity_timeout,
        error_visibility=settings.error_visibility,
        inactive_visibility=settings.inactive_visibility,
        retention=settings.retention,
        success=app.success,
        stop_budget=settings.stop_budget,
        app_outlives=0.0 if settings.wraps else None,
        check_every=app.health_every,
        identity=identity,
    )
