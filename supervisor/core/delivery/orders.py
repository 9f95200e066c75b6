"""Every order that the deliveries can give, in the imperative.

HoldTaken and HoldReleased are for the machine of the holds, and never reach the shell. Each other order but Forget is
followed by exactly one answer, within the bound that whoever carries it out states.
"""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.core.effects import Note
from supervisor.core.events import HoldReleased, HoldTaken

from .names import Call, DeliveryId, PollId, QueueName


@dataclass(frozen=True, slots=True)
class Poll:
    """Ask a queue for messages, each with the visibility timeout of the policy. Answer: PollEnded or PollFailed.

    Nothing may end it before SQS does: an abandoned poll goes on taking messages. wait: seconds.
    """

    poll: PollId
    queue: QueueName
    most: int
    wait: int


@dataclass(frozen=True, slots=True)
class Deliver:
    """POST the message to the app. Answer: DeliveryAnswered or DeliveryFailed."""

    delivery: DeliveryId


@dataclass(frozen=True, slots=True)
class Extend:
    """Keep the message invisible for so many seconds from now. Answer: Extended or ExtendFailed."""

    call: Call
    queue: QueueName
    seconds: int


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the message. Answer: Deleted or DeleteFailed."""

    call: Call
    queue: QueueName


@dataclass(frozen=True, slots=True)
class Return:
    """Let these messages, ten at most, become visible in so many seconds.

    Answer: each call is in one Returned or one ReturnFailed, which may come in several.
    """

    calls: tuple[Call, ...]
    queue: QueueName
    seconds: int


@dataclass(frozen=True, slots=True)
class CheckApp:
    """Find out whether the app can be talked to. Answer: AppReady or AppUnready."""


@dataclass(frozen=True, slots=True)
class Forget:
    """This delivery is over: what is kept of its message can go. Given once for each; there is no answer."""

    delivery: DeliveryId


# What the deliveries order of the shell, and nobody else does.
ShellOrder = Poll | Deliver | Extend | Delete | Return | CheckApp | Forget

Order = ShellOrder | HoldTaken | HoldReleased | Note
