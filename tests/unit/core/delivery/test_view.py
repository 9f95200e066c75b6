"""How the deliveries stand, for people."""

from __future__ import annotations

from supervisor.core.delivery.facts import Deleted, DeliveryAnswered, PollFailed, Trouble
from supervisor.core.delivery.names import PollId
from supervisor.core.delivery.orders import Delete, Forget
from supervisor.core.delivery.view import DeliveriesView, QueueView, take
from tests.unit.core.playbook import told

from .script import JOBS, call, d, delivering, m, poll


def test_the_view_counts_what_there_is_and_what_there_was() -> None:
    """Open deliveries by phase, ended ones by reason, and each queue with its trouble."""
    script = delivering(m(1), m(2)) >> DeliveryAnswered(d(1), 200) << told("delivery.done")
    script = script << Delete(call(1), JOBS) << poll(2, 1) >> Deleted(call(1)) << Forget(d(1))
    assert take(script.state, script.now) == DeliveriesView(
        app_ready=True,
        slots=2,
        phases={"delivering": 1},
        ended={"deleted": 1},
        received=2,
        possible_duplicates=0,
        queues=(QueueView("jobs", polls=1, failed_polls=0, retry_in=None),),
    )
    script = script >> PollFailed(PollId(2), Trouble.THROTTLED) << told("queue.trouble")
    (queue,) = take(script.state, script.now).queues
    assert (queue.polls, queue.failed_polls) == (0, 1)
    assert queue.retry_in is not None
    assert 0.25 <= queue.retry_in <= 0.5
