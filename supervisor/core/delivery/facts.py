"""Every fact that the deliveries can be told, in the past tense.

They are apart from core/events.py because only `sqsd` has them. FlowIs, StartGranted and StartRefused come from the other
machines of the core (engine.py passes them on), all others from the shell.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Union

from supervisor.core.events import Tick
from supervisor.core.instants import NEVER, Instant

from .names import Call, DeliveryId, PollId


@dataclass(frozen=True)
class Received:
    """One message as a poll brought it.

    message: its id, the same for each receive. group: of a FIFO queue; None where there is none. receives: SQS's count,
    this one included. age: seconds since it was received for the first time. size: of the body, in bytes.
    """

    delivery: DeliveryId
    message: str
    receipt: str
    group: str | None = None
    receives: int = 1
    age: float = 0.0
    size: int = 0


@dataclass(frozen=True, slots=True)
class PollEnded:
    """SQS has answered a poll, with messages or without."""

    poll: PollId
    messages: tuple[Received, ...] = ()


class Trouble(Enum):
    """What went wrong with a call to SQS; the kind alone decides what follows."""

    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    # The task may not do it, the queue does not exist, or there are no credentials.
    DENIED = "denied"
    # The message is not ours any more.
    LOST = "lost lease"
    # More than 12 hours after it was received.
    LIMIT = "12 hour limit"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class PollFailed:
    poll: PollId
    kind: Trouble
    detail: str = ""


@dataclass(frozen=True, slots=True)
class FlowIs:
    """Lifecycle to deliveries: whether new work is welcome; and on the way out, until when it may run.

    interrupted_at: when the app is killed, or we are. exits_at: when we have exited. Both NEVER while no clock runs.
    """

    allowed: bool
    interrupted_at: Instant = NEVER
    exits_at: Instant = NEVER


@dataclass(frozen=True, slots=True)
class StartGranted:
    """Holds to deliveries: start. protected: whether that is confirmed."""

    delivery: DeliveryId
    protected: bool


@dataclass(frozen=True, slots=True)
class StartRefused:
    """Holds to deliveries: do not start. The hold has ended."""

    delivery: DeliveryId
    why: str


@dataclass(frozen=True, slots=True)
class AppReady:
    """The app can be talked to: it has answered CheckApp, or a check of the shell's own."""


@dataclass(frozen=True, slots=True)
class AppUnready:
    why: str


@dataclass(frozen=True, slots=True)
class DeliveryAnswered:
    """The app has answered, whatever it has answered. retry_after: seconds, where its header gives any."""

    delivery: DeliveryId
    status: int
    retry_after: float | None = None


class Failure(Enum):
    """Why there is no answer; the first two say that the app has not heard of the message."""

    REFUSED = "connection refused"
    CONNECT_TIMEOUT = "no connection in time"
    INACTIVE = "no answer in time"
    CUT = "connection closed without an answer"
    IMPOSSIBLE = "the message cannot be sent as a request"


@dataclass(frozen=True, slots=True)
class DeliveryFailed:
    delivery: DeliveryId
    kind: Failure
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Extended:
    """The message stays invisible for as long as was asked, from about when it was asked."""

    call: Call


@dataclass(frozen=True, slots=True)
class ExtendFailed:
    call: Call
    kind: Trouble
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Deleted:
    call: Call


@dataclass(frozen=True, slots=True)
class DeleteFailed:
    call: Call
    kind: Trouble
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Returned:
    """These entries of a Return were carried out; the others of the batch are in ReturnFailed."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class ReturnFailed:
    calls: tuple[Call, ...]
    kind: Trouble
    detail: str = ""


Fact = Union[  # noqa: UP007 - spelled as core/events.py spells its own, so that the journal can list the members
    Tick,
    FlowIs,
    StartGranted,
    StartRefused,
    AppReady,
    AppUnready,
    PollEnded,
    PollFailed,
    DeliveryAnswered,
    DeliveryFailed,
    Extended,
    ExtendFailed,
    Deleted,
    DeleteFailed,
    Returned,
    ReturnFailed,
]
