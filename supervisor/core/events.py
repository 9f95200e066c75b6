"""Every fact the core can be told, in the past tense.

A fact says what happened outside and nothing about what should follow. All of them are plain values: a journal of
facts with their instants, fed to a fresh engine, gives the same orders again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Union

from .instants import NEVER, Instant
from .names import Attempt, HolderId, HoldId, SignalName, WorkerName


@dataclass(frozen=True, slots=True)
class Tick:
    """The instant the engine asked to be woken at has come (or any other reason to look at the clock)."""


@dataclass(frozen=True, slots=True)
class StopRequested:
    """Somebody wants this task gone within the stop timeout; for ECS that is the container's stop signal.

    by_terminal: it was a Ctrl-C. A second one means that a person does not want to wait.
    """

    reason: str
    by_terminal: bool = False


@dataclass(frozen=True, slots=True)
class DrainRequested:
    """An operator wants us to finish what is in flight and then exit, by a deadline or however long it takes."""

    reason: str
    deadline: Instant = NEVER


@dataclass(frozen=True, slots=True)
class ForceRequested:
    """A person skips the drain."""

    reason: str


@dataclass(frozen=True, slots=True)
class QuietRequested:
    """An operator wants no new work to be taken until further notice."""

    reason: str


@dataclass(frozen=True, slots=True)
class ResumeRequested:
    """An operator takes the request to be quiet back."""

    reason: str


@dataclass(frozen=True, slots=True)
class DumpRequested:
    """Somebody wants to see snapshot and journal."""


@dataclass(frozen=True, slots=True)
class SignalReceived:
    """A signal came that is none of ours: it is meant for the worker."""

    signal: SignalName


@dataclass(frozen=True, slots=True)
class WorkerSpawned:
    """The worker's process runs. pid: 0 where somebody else has started it, and so knows."""

    worker: WorkerName
    pid: int


@dataclass(frozen=True, slots=True)
class SpawnFailed:
    """The worker could not be started; status is what a shell would exit with (126, 127)."""

    worker: WorkerName
    status: int
    why: str


@dataclass(frozen=True, slots=True)
class WorkerExited:
    """The worker's main process has been reaped. A death by signal n has the status 128 + n."""

    worker: WorkerName
    status: int
    by_signal: SignalName | None = None


@dataclass(frozen=True, slots=True)
class OrphanReaped:
    """A process that is no worker has ended and was collected."""

    pid: int
    status: int


@dataclass(frozen=True, slots=True)
class HoldTaken:
    """A holder says that work is in flight, or says it again.

    ttl: seconds after which the hold ends by itself; None where the holder's death will be seen.
    asks: the holder waits for an answer before it starts (Grant or Refuse).
    fetching: it only looks for work; a drain waits for that too, but it is no reason to be protected.
    at_once: it wants protection whatever its age; who asks for nothing but protection must not be told that it has it before.
    """

    hold: HoldId
    holder: HolderId
    about: str
    ttl: float | None = None
    asks: bool = False
    fetching: bool = False
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class HoldRefreshed:
    """The work still progresses: the hold's ttl counts from now."""

    hold: HoldId
    ttl: float | None = None


@dataclass(frozen=True, slots=True)
class HoldReleased:
    """The work is done."""

    hold: HoldId


@dataclass(frozen=True, slots=True)
class JobsCounted:
    """So many jobs came and went that were no holds, because another hold of their holder was open all the time."""

    holder: HolderId
    count: int


@dataclass(frozen=True, slots=True)
class HookAttached:
    """A hook inside one of the worker's processes has said what it is attached to.

    gated: it can keep that process from taking new work, and will confirm that (GateShut).
    """

    holder: HolderId
    about: str
    framework: str
    version: str
    gated: bool


@dataclass(frozen=True, slots=True)
class GateShut:
    """A hook confirms that nothing new will begin in its process until it says otherwise."""

    holder: HolderId


@dataclass(frozen=True, slots=True)
class GateOpened:
    """A hook lets its process take new work again."""

    holder: HolderId


@dataclass(frozen=True, slots=True)
class WorkReserved:
    """A holder has so many jobs in its hands that it has not begun."""

    holder: HolderId
    count: int


@dataclass(frozen=True, slots=True)
class AdviceGiven:
    """A hook has found a setting of the worker's that makes a drain late or loses work."""

    holder: HolderId
    setting: str
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class HolderDied:
    """A holder's process or connection has ended, so all it held has ended too."""

    holder: HolderId
    why: str


@dataclass(frozen=True, slots=True)
class ProtectionGranted:
    """The protector confirmed what we asked for. lease: seconds it is good for, counted from the asking."""

    attempt: Attempt
    lease: float


@dataclass(frozen=True, slots=True)
class ProtectionCleared:
    """The protector confirmed that the task is not protected any more."""

    attempt: Attempt


class Refusal(Enum):
    """Why the protector said no; the kind alone decides what follows."""

    BLOCKED = "a deployment is waiting for this task"
    NOT_A_SERVICE_TASK = "the task does not belong to a service"
    NOT_ALLOWED = "the task role may not do it"
    TRY_AGAIN = "a passing fault or throttling"


@dataclass(frozen=True, slots=True)
class ProtectionRefused:
    """The protector said no, and nothing has changed."""

    attempt: Attempt
    kind: Refusal
    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ProtectionUnknown:
    """The request got no usable answer: it may have been carried out or not."""

    attempt: Attempt
    why: str


@dataclass(frozen=True, slots=True)
class ProtectionSeen:
    """What the protector says the task's protection is. left: seconds until it expires; None when it is off."""

    attempt: Attempt
    left: float | None


Event = Union[  # noqa: UP007 - a union spelled so that the journal can list its members
    Tick,
    StopRequested,
    DrainRequested,
    ForceRequested,
    QuietRequested,
    ResumeRequested,
    DumpRequested,
    SignalReceived,
    WorkerSpawned,
    SpawnFailed,
    WorkerExited,
    OrphanReaped,
    HoldTaken,
    HoldRefreshed,
    HoldReleased,
    JobsCounted,
    HookAttached,
    GateShut,
    GateOpened,
    WorkReserved,
    AdviceGiven,
    HolderDied,
    ProtectionGranted,
    ProtectionCleared,
    ProtectionRefused,
    ProtectionUnknown,
    ProtectionSeen,
]

ProtectionAnswer = (
    ProtectionGranted | ProtectionCleared | ProtectionRefused | ProtectionUnknown | ProtectionSeen
)
