"""The hooks inside the worker's processes: who has one, and whether it keeps its process from taking new work.

Rules
  1. A gate is shut only when its hook has said so, and open again as soon as it says so or nobody has told us better.
  2. A hook that ends, with its process or its connection, has no gate any more: what it kept shut cannot take work.
  3. A hook that was attached by us and is not heard of in time is told about once: its attachment came back broken.
  4. Advice about a setting is passed on once, however many processes give it, and no more than MOST_TOLD in all.

How it moves: EDGES below; each hook's gate moves for itself. A hook without a gate stays OPEN and nobody waits for it.

Mind: this machine only knows. Whether a stop waits for the gates is the lifecycle's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from .edges import Edge, check_move
from .effects import Effect, Level, note
from .events import (
    AdviceGiven,
    Event,
    GateOpened,
    GateShut,
    HolderDied,
    HookAttached,
    WorkerExited,
    WorkerSpawned,
    WorkReserved,
)
from .inner import GatesAre, Inner, StopBegan
from .instants import NEVER, Instant, after
from .names import HolderId

# Enough for every framework and every setting; who says more than this says something else each time.
MOST_TOLD = 200


class Phase(Enum):
    OPEN = "open"
    SHUT = "shut"
    GONE = "gone"


EDGES = (
    Edge(Phase.OPEN, Phase.SHUT, "its hook confirms that nothing new will begin"),
    Edge(Phase.SHUT, Phase.OPEN, "its hook lets new work begin"),
    Edge(Phase.OPEN, Phase.GONE, "its hook has ended"),
    Edge(Phase.SHUT, Phase.GONE, "its hook has ended"),
)


@dataclass(frozen=True, slots=True)
class AttachmentPolicy:
    """expected: the framework whose hook was attached, None where none was. patience: seconds until it must have spoken."""

    expected: str | None = None
    patience: float = 30.0


@dataclass(frozen=True, slots=True)
class Attached:
    """A hook that has spoken."""

    holder: HolderId
    about: str
    framework: str
    version: str
    gated: bool
    gate: Phase = Phase.OPEN
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class Attachments:
    """open: the hooks that are connected. silent_at: when the expected one should have spoken."""

    policy: AttachmentPolicy
    open: Mapping[HolderId, Attached] = field(default_factory=dict)
    silent_at: Instant = NEVER
    # What has been told already: frameworks with their versions, and settings.
    told: frozenset[str] = frozenset()


def step(state: Attachments, event: Event | Inner, now: Instant) -> tuple[Attachments, tuple[Effect, ...]]:
    """Take one fact in. Facts that are not about hooks change nothing but what time has changed."""
    match event:
        case WorkerSpawned() if state.policy.expected is not None:
            return replace(state, silent_at=after(now, state.policy.patience)), ()
        case WorkerExited() | StopBegan():
            return replace(state, silent_at=NEVER), ()
        case HookAttached():
            return _attach(state, event)
        case GateShut(holder=holder) if (known := state.open.get(holder)) is not None:
            return _put(state, _shut(known)), ()
        case GateOpened(holder=holder) if (known := state.open.get(holder)) is not None:
            return _put(state, _opened(known)), ()
        case WorkReserved(holder=holder, count=count) if (known := state.open.get(holder)) is not None:
            return _put(state, replace(known, reserved=count)), ()
        case HolderDied(holder=holder) if (known := state.open.get(holder)) is not None:
            check_move(EDGES, known.gate, Phase.GONE, "its hook has ended")
            left = {key: each for key, each in state.open.items() if key != holder}
            return replace(state, open=left), ()
        case AdviceGiven(setting=setting, why=why, fix=fix):
            return _once(
                state, setting, note("worker.advice", Level.WARNING, setting=setting, why=why, fix=fix)
            )
        case _ if state.silent_at <= now:
            silent = note(
                "hook.silent",
                Level.WARNING,
                framework=state.policy.expected,
                seconds=state.policy.patience,
                so="its jobs are not seen: nothing is protected, and a drain waits for nothing",
                fix="look for a warning of the hook in the worker's output, or attach it in the app's code",
            )
            return replace(state, silent_at=NEVER), (silent,)
        case _:
            return state, ()


def wake_at(state: Attachments) -> Instant:
    """Return when time alone will change something here."""
    return state.silent_at


def gates(state: Attachments) -> GatesAre:
    """Return what the lifecycle has to know of the gates."""
    gated = [each for each in state.open.values() if each.gated]
    unconfirmed = tuple(each.about for each in gated if each.gate is not Phase.SHUT)
    return GatesAre(len(gated), unconfirmed)


def _attach(state: Attachments, event: HookAttached) -> tuple[Attachments, tuple[Effect, ...]]:
    known = Attached(event.holder, event.about, event.framework, event.version, event.gated)
    if (before := state.open.get(event.holder)) is not None:
        # It repeats itself: what it has said since holds.
        known = replace(known, gate=before.gate, reserved=before.reserved)
    heard = state.policy.expected == event.framework
    state = replace(_put(state, known), silent_at=NEVER if heard else state.silent_at)
    told = note(
        "hook.attached",
        framework=event.framework,
        version=event.version,
        about=event.about,
        gate=event.gated,
    )
    return _once(state, f"{event.framework} {event.version}", told)


def _once(state: Attachments, key: str, told: Effect) -> tuple[Attachments, tuple[Effect, ...]]:
    if key in state.told or len(state.told) >= MOST_TOLD:
        return state, ()
    return replace(state, told=state.told | {key}), (told,)


def _shut(known: Attached) -> Attached:
    if known.gate is Phase.SHUT:
        return known
    because = "its hook confirms that nothing new will begin"
    return replace(known, gate=check_move(EDGES, known.gate, Phase.SHUT, because))


def _opened(known: Attached) -> Attached:
    if known.gate is Phase.OPEN:
        return known
    return replace(known, gate=check_move(EDGES, known.gate, Phase.OPEN, "its hook lets new work begin"))


def _put(state: Attachments, known: Attached) -> Attachments:
    return replace(state, open={**state.open, known.holder: known})
