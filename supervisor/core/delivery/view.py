"""How the deliveries stand at one instant, for status and metrics: values only, all times as seconds from that instant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from supervisor.core.instants import Instant

from .values import Deliveries


@dataclass(frozen=True, slots=True)
class QueueView:
    """polls: waiting for an answer. failed_polls: in a row; retry_in: until the next one then."""

    name: str
    polls: int
    failed_polls: int
    retry_in: float | None


@dataclass(frozen=True, slots=True)
class DeliveriesView:
    """phases: how many open deliveries are in which. ended: how many have ended so far, by the reason in EDGES.

    received: how many receives there were. possible_duplicates: how many leases were lost under a job.
    """

    app_ready: bool
    slots: int
    phases: Mapping[str, int]
    ended: Mapping[str, int]
    received: int
    possible_duplicates: int
    queues: tuple[QueueView, ...]


def take(state: Deliveries, now: Instant) -> DeliveriesView:
    """Look at the deliveries."""
    polls = Counter(poll.queue for poll in state.polls.values())
    return DeliveriesView(
        app_ready=state.app.is_ready,
        slots=state.policy.slots,
        phases=Counter(delivery.phase.value for delivery in state.open.values()),
        ended=dict(state.ended),
        received=state.received,
        possible_duplicates=state.duplicates,
        queues=tuple(
            QueueView(name, polls[name], queue.tries, max(0.0, queue.retry_at - now) if queue.tries else None)
            for name, queue in state.queues.items()
        ),
    )
