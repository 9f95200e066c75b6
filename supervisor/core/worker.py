"""One worker: started, running, perhaps started again, asked to stop, gone.

Rules
  1. This module decides whether a worker that ended is started again; when and how it is told to stop is the
     lifecycle's business.
  2. After the way out has begun nothing is started any more.
  3. The first status counts: a worker that is started again has not ended.

How it moves: EDGES below.

Mind: a first start that fails is final whatever the restart policy says, because a command that cannot be started once
is a mistake in the task definition and should be seen at once, not retried for hours.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from .backoff import Backoff
from .edges import Edge, check_move
from .effects import Effect, Level, Spawn, note
from .events import Event, SpawnFailed, WorkerExited, WorkerSpawned
from .inner import Inner, StopBegan
from .instants import NEVER, Instant, after
from .names import WorkerName

# A worker that lived so long was well; what happens to it next is not the old trouble, so the delays begin anew.
WELL_SECONDS = 60.0


class Phase(Enum):
    STARTING = "starting"
    RUNNING = "running"
    BACKOFF = "backoff"
    STOPPING = "stopping"
    EXITED = "exited"
    FATAL = "fatal"


EDGES = (
    Edge(Phase.STARTING, Phase.RUNNING, "started"),
    Edge(Phase.STARTING, Phase.STOPPING, "the way out has begun"),
    Edge(Phase.STARTING, Phase.FATAL, "it cannot be started"),
    Edge(Phase.STARTING, Phase.BACKOFF, "it could not be started again"),
    Edge(Phase.RUNNING, Phase.BACKOFF, "it ended, and the policy is to start it again"),
    Edge(Phase.RUNNING, Phase.EXITED, "it ended"),
    Edge(Phase.RUNNING, Phase.STOPPING, "the way out has begun"),
    Edge(Phase.BACKOFF, Phase.STARTING, "the delay is over"),
    Edge(Phase.BACKOFF, Phase.EXITED, "the way out has begun"),
    Edge(Phase.STOPPING, Phase.STOPPING, "started after all"),
    Edge(Phase.STOPPING, Phase.EXITED, "it ended"),
    Edge(Phase.STOPPING, Phase.EXITED, "it cannot be started"),
)


class Restart(Enum):
    NEVER = "never"
    ON_FAILURE = "on-failure"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """backoff: the pauses before it is started again."""

    when: Restart = Restart.NEVER
    backoff: Backoff = field(default_factory=lambda: Backoff(first=1.0, longest=60.0))


@dataclass(frozen=True, slots=True)
class Worker:
    """status: of its last exit. starts: how often it has been started. spawn_at: when it is started again."""

    name: WorkerName
    policy: RestartPolicy
    phase: Phase = Phase.STARTING
    pid: int | None = None
    status: int | None = None
    started_at: Instant = NEVER
    spawn_at: Instant = NEVER
    tries: int = 0
    starts: int = 0


def step(state: Worker, event: Event | Inner, now: Instant) -> tuple[Worker, tuple[Effect, ...]]:
    """Take one fact in; facts about other workers must not be passed here."""
    match event:
        case WorkerSpawned(pid=pid):
            return _started(state, pid, now)
        case SpawnFailed():
            return _not_started(state, event, now)
        case WorkerExited():
            return _ended(state, event, now)
        case StopBegan():
            return _stop_began(state)
        case _:
            if state.spawn_at > now:
                return state, ()
            phase = check_move(EDGES, state.phase, Phase.STARTING, "the delay is over")
            return replace(state, phase=phase, spawn_at=NEVER), (Spawn(state.name),)


def is_alive(state: Worker) -> bool:
    """Say whether there is a process that can be signalled."""
    return state.pid is not None


def is_pending(state: Worker) -> bool:
    """Say whether it may yet come to life: its start is on the way, or due after a delay."""
    return state.phase in (Phase.STARTING, Phase.BACKOFF) or (
        state.phase is Phase.STOPPING and state.pid is None
    )


def wake_at(state: Worker) -> Instant:
    """Return when it is to be started again."""
    return state.spawn_at


def _started(state: Worker, pid: int, now: Instant) -> tuple[Worker, tuple[Effect, ...]]:
    if state.phase is Phase.STOPPING:
        phase = check_move(EDGES, state.phase, Phase.STOPPING, "started after all")
    else:
        phase = check_move(EDGES, state.phase, Phase.RUNNING, "started")
    started = replace(state, phase=phase, pid=pid, status=None, started_at=now, starts=state.starts + 1)
    # Of one that is not ours, whoever finds it tells.
    return started, (note("worker.started", worker=state.name, pid=pid),) if pid else ()


def _not_started(state: Worker, event: SpawnFailed, now: Instant) -> tuple[Worker, tuple[Effect, ...]]:
    told = note("worker.not_started", Level.ERROR, worker=state.name, why=event.why, status=event.status)
    if state.phase is Phase.STOPPING:
        phase = check_move(EDGES, state.phase, Phase.EXITED, "it cannot be started")
        return replace(state, phase=phase, status=_status(state, event.status)), (told,)
    if state.starts == 0:
        phase = check_move(EDGES, state.phase, Phase.FATAL, "it cannot be started")
        return replace(state, phase=phase, status=event.status), (told,)
    phase = check_move(EDGES, state.phase, Phase.BACKOFF, "it could not be started again")
    return _delayed(replace(state, phase=phase), now), (told,)


def _ended(state: Worker, event: WorkerExited, now: Instant) -> tuple[Worker, tuple[Effect, ...]]:
    again = state.phase is Phase.RUNNING and _starts_again(state.policy.when, event.status)
    told = note(
        "worker.exited",
        Level.WARNING if again or (state.phase is Phase.RUNNING and event.status != 0) else Level.INFO,
        worker=state.name,
        status=event.status,
        signal=event.by_signal,
    )
    ended = replace(state, pid=None, status=event.status)
    if not again:
        return replace(ended, phase=check_move(EDGES, state.phase, Phase.EXITED, "it ended")), (told,)
    phase = check_move(EDGES, state.phase, Phase.BACKOFF, "it ended, and the policy is to start it again")
    well = now - state.started_at >= WELL_SECONDS
    return _delayed(replace(ended, phase=phase, tries=0 if well else state.tries), now), (told,)


def _starts_again(when: Restart, status: int) -> bool:
    return when is Restart.ALWAYS or (when is Restart.ON_FAILURE and status != 0)


def _delayed(state: Worker, now: Instant) -> Worker:
    tries = state.tries + 1
    return replace(state, tries=tries, spawn_at=after(now, state.policy.backoff.delay(tries)))


def _stop_began(state: Worker) -> tuple[Worker, tuple[Effect, ...]]:
    match state.phase:
        case Phase.RUNNING | Phase.STARTING:
            return replace(
                state, phase=check_move(EDGES, state.phase, Phase.STOPPING, "the way out has begun")
            ), ()
        case Phase.BACKOFF:
            phase = check_move(EDGES, state.phase, Phase.EXITED, "the way out has begun")
            return replace(state, phase=phase, spawn_at=NEVER), ()
        case Phase.STOPPING | Phase.EXITED | Phase.FATAL:
            return state, ()


def _status(state: Worker, otherwise: int) -> int:
    return otherwise if state.status is None else state.status
