"""What the delivery machine is made of: the phases of one delivery, its legal moves, and the state of all of them.

Mind: what is changed by `replace` (changes.py) has no slots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from supervisor.core.edges import Edge, edges_from
from supervisor.core.instants import NEVER, Instant, after

from .diagnosis import FRESH, Watch
from .facts import FlowIs, Received
from .names import Call, DeliveryId, PollId, QueueName
from .policy import DeliveryPolicy, QueuePolicy

# Kept back from the end for the last calls to SQS: each is one short request.
FAREWELL_SECONDS = 1.0


class Phase(Enum):
    RECEIVED = "received"
    AWAITING = "awaiting protection"
    DELIVERING = "delivering"
    LOST = "delivering without a lease"
    ABANDONED = "abandoned"
    SUCCEEDED = "succeeded"
    OUTDATED = "outdated"
    FAILED = "failed"
    RETURNED = "returned"
    ENDED = "ended"

    # That of enums is worked out from the name, in Python, each time.
    __hash__ = object.__hash__


# The job runs, or may at any moment: a connection to the app is taken.
RUNNING = (Phase.AWAITING, Phase.DELIVERING, Phase.LOST, Phase.ABANDONED)
# The job has not begun.
UNSTARTED = (Phase.RECEIVED, Phase.AWAITING)
# Counts as work in flight: a message whose delete has failed would run again.
CLAIMED = (*RUNNING, Phase.SUCCEEDED)
# Only an answer of SQS is missing.
SETTLING = (Phase.SUCCEEDED, Phase.OUTDATED, Phase.FAILED, Phase.RETURNED)
GOING_BACK = (Phase.FAILED, Phase.RETURNED)
DELETING = (Phase.SUCCEEDED, Phase.OUTDATED)
# The message is wanted here, so its lease is kept.
LEASED = (*UNSTARTED, Phase.DELIVERING, *DELETING)

DELETED = "deleted"
NOT_WELCOME = "no new work is welcome"
NOT_READY = "the app is not ready"

EDGES = (
    Edge(Phase.RECEIVED, Phase.AWAITING, "a connection is free"),
    Edge(Phase.RECEIVED, Phase.OUTDATED, "older than the retention period"),
    Edge(Phase.AWAITING, Phase.DELIVERING, "granted"),
    Edge(Phase.AWAITING, Phase.RETURNED, "protection was refused"),
    *edges_from(UNSTARTED, Phase.RETURNED, NOT_WELCOME),
    *edges_from(UNSTARTED, Phase.RETURNED, NOT_READY),
    Edge(Phase.RECEIVED, Phase.RETURNED, "an earlier one of its group did not succeed"),
    Edge(Phase.RECEIVED, Phase.RETURNED, "more than was asked for"),
    *edges_from(UNSTARTED, Phase.ENDED, "its lease ended before it began"),
    Edge(Phase.DELIVERING, Phase.LOST, "its lease was lost"),
    Edge(Phase.LOST, Phase.DELIVERING, "received again while it runs"),
    *edges_from((Phase.DELIVERING, Phase.LOST), Phase.ABANDONED, "still running at the deadline"),
    *edges_from((Phase.DELIVERING, Phase.LOST, Phase.ABANDONED), Phase.SUCCEEDED, "the app succeeded"),
    *edges_from((Phase.DELIVERING, Phase.ABANDONED), Phase.FAILED, "the app failed"),
    *edges_from((Phase.DELIVERING, Phase.ABANDONED), Phase.RETURNED, "the app cannot be reached"),
    *edges_from((Phase.LOST, Phase.ABANDONED), Phase.ENDED, "failed after its lease was lost"),
    *edges_from(DELETING, Phase.ENDED, DELETED),
    *edges_from(DELETING, Phase.ENDED, "not deleted while its lease lasted"),
    *edges_from(GOING_BACK, Phase.ENDED, "given back"),
    *edges_from(GOING_BACK, Phase.ENDED, "left to its lease"),
)


@dataclass(frozen=True)
class Delivery:
    """number: counts the receipts. lease_until: when the message becomes visible by itself. limit_at: beyond that it cannot be extended.
    beat_at: when to extend it; missed: how many times in a row that has failed.

    call: the call to SQS that is not answered yet, with when and for how many seconds it was asked. tries, retry_at: of
    the delete or the return that is due. give_back: seconds until it is visible. is_patient: it may wait for our polls.
    is_lost: the lease has ended under it, so that somebody else may have the message.
    """

    id: DeliveryId
    number: int
    queue: QueueName
    received: Received
    limit_at: Instant
    lease_until: Instant
    phase: Phase = Phase.RECEIVED
    beat_at: Instant = NEVER
    missed: int = 0
    started_at: Instant = NEVER
    call: Call | None = None
    calls: int = 0
    asked_at: Instant = NEVER
    asked_seconds: int = 0
    tries: int = 0
    retry_at: Instant = NEVER
    give_back: int = 0
    is_patient: bool = False
    is_lost: bool = False


@dataclass(frozen=True, slots=True)
class InFlight:
    """A poll that SQS has not answered yet. due_at: when it will have, unless the network or we are late."""

    id: PollId
    queue: QueueName
    most: int
    asked_at: Instant
    due_at: Instant


@dataclass(frozen=True)
class Queue:
    """pollers: how many polls at once. is_dry: the last one brought nothing; rests_until: how long that is believed.

    tries, retry_at: after trouble. polled_at, credit: whose turn it is.
    """

    policy: QueuePolicy
    pollers: int = 1
    is_dry: bool = False
    rests_until: Instant = Instant(0.0)
    tries: int = 0
    retry_at: Instant = Instant(0.0)
    polled_at: Instant = Instant(0.0)
    credit: int = 0


@dataclass(frozen=True)
class App:
    """is_told: people know that it is not ready. why: what the last look at it has found, empty where all was well.

    tries: failed checks and connections since it last answered a message.
    """

    is_ready: bool = False
    is_checking: bool = False
    is_told: bool = False
    why: str = ""
    tries: int = 0
    check_at: Instant = Instant(0.0)


_SHUT = FlowIs(allowed=False)
_UNSEEN = App()


@dataclass(frozen=True)
class Deliveries:
    """open: in the order of receipt. polled, received: how many ever. pause_until: polls nothing after a refusal. ended: how many ended for which reason.

    watch: how all deliveries have failed so far; None once one has succeeded. warned: statuses that were explained.
    has_said_farewell: what is left at the deadline was named. counts, next_at: kept so that not every delivery is looked at
    for every fact; how many are open in each phase, and when time changes something for one of them, or sooner.
    """

    policy: DeliveryPolicy
    queues: Mapping[QueueName, Queue]
    open: Mapping[DeliveryId, Delivery] = field(default_factory=dict)
    polls: Mapping[PollId, InFlight] = field(default_factory=dict)
    polled: int = 0
    received: int = 0
    flow: FlowIs = _SHUT
    app: App = _UNSEEN
    refusals: int = 0
    pause_until: Instant = Instant(0.0)
    watch: Watch | None = FRESH
    warned: frozenset[int] = frozenset()
    ended: Mapping[str, int] = field(default_factory=dict)
    duplicates: int = 0
    has_said_farewell: bool = False
    counts: Mapping[Phase, int] = field(default_factory=lambda: dict.fromkeys(Phase, 0))
    next_at: Instant = NEVER


def begin(policy: DeliveryPolicy) -> Deliveries:
    """Return the state in which nothing has been received, and nothing may be until FlowIs says so."""
    return Deliveries(policy, {queue.name: Queue(queue) for queue in policy.queues})


def unwelcome(state: Deliveries) -> str | None:
    """Say why nothing may begin now; None where it may."""
    if not state.flow.allowed:
        return NOT_WELCOME
    return None if state.app.is_ready else NOT_READY


def farewell_at(state: Deliveries) -> Instant:
    """Return when to give up on what still runs, NEVER while no clock runs."""
    return after(state.flow.interrupted_at, -FAREWELL_SECONDS)


def count(state: Deliveries, phases: tuple[Phase, ...]) -> int:
    return sum(map(state.counts.__getitem__, phases))
