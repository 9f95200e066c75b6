"""Builds a supervisor whose worker another container runs, and runs it to the end.

The core is told of one worker, which has been spawned, whether anything of it can be seen from here or not. What differs from
`run` is who carries out the orders to it (adapters/foreign_worker.py), and that the task's metadata is watched.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

from supervisor.adapters.clock import SystemClock
from supervisor.adapters.ecs_agent import PATIENCE
from supervisor.adapters.ecs_metadata import TaskMetadata
from supervisor.adapters.foreign_worker import ForeignWorker, Seen
from supervisor.adapters.last_release import LastRelease
from supervisor.adapters.last_words import say
from supervisor.adapters.openings import Openings
from supervisor.adapters.process import reap_orphans
from supervisor.adapters.task_watch import TaskWatch
from supervisor.config.attach import Attached
from supervisor.config.policies import RECONNECT_SECONDS
from supervisor.config.settings import RunSettings
from supervisor.config.sidecar import SidecarSettings, doubts
from supervisor.core.effects import Level, Note, note
from supervisor.core.events import WorkerSpawned
from supervisor.core.instants import Instant
from supervisor.core.names import HolderId, WorkerName
from supervisor.core.status import SOFTWARE
from supervisor.ports import Protector
from supervisor.runtime.crash import traced
from supervisor.runtime.signals import Signals

from .beginning import beginning
from .policy import make_policy
from .supervision import SWITCH_SECONDS, Supervision

WORKER = WorkerName("worker")

# Holders without a connection of their own, whose end nobody sees.
_STRANGERS = (HolderId("api"), HolderId("agent#unknown"))

# The share of the exit margin in which the last release is waited for; the rest is for the log and the exit itself.
_RELEASE_SHARE = 0.5

# Nothing is attached to a worker that somebody else has started.
_NOT_ATTACHED = Attached((), {}, "", None, "it runs in another container")


def accompany(settings: SidecarSettings, signals: Signals, openings: Openings) -> int:
    """Supervise to the end; return the status to exit with."""
    sys.setswitchinterval(SWITCH_SECONDS)
    supervision = None
    try:
        run, clock = settings.run, SystemClock()
        metadata = None if run.metadata_uri is None else TaskMetadata(run.metadata_uri)
        worker = ForeignWorker(
            WORKER,
            _finding(settings, metadata),
            stops=settings.stops_worker,
            waits=settings.stops_worker or not settings.early_notice,
            collect=reap_orphans,
        )
        release = _Release(run)
        supervision = Supervision(
            run,
            make_policy(run, WORKER, None),
            signals,
            worker,
            openings,
            clock,
            {},
            passes_on=False,
            followers=(worker,),
            wrap=release.around,
        )
        supervision.mention(_beginning(settings, openings))
        worker.start(supervision.post, supervision.tell, supervision.spawn_thread)
        if metadata is not None:
            watch = TaskWatch(
                metadata,
                settings.container,
                _STRANGERS,
                supervision.post,
                supervision.tell,
                RECONNECT_SECONDS,
            )
            # Before anything is decided: work of before a restart counts before anybody can find that nothing is in flight.
            watch.look()
            supervision.spawn_thread("metadata", watch.work)
        # What has been loaded stays: looking through all of it for garbage would only take time.
        gc.freeze()
        status = supervision.loop.run(WorkerSpawned(WORKER, 0))
        if not release.carry_out(supervision.loop.stop_asked_at, clock):
            supervision.tell(_NOT_RELEASED)
        supervision.leave()
        return status
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told, and the sockets are removed
        say(f"{traced(error)}a defect of ecs-supervisor: the sidecar ends here; please report it\n")
        if supervision is not None:
            say("".join(f"{line}\n" for line in supervision.journal.lines()))
            supervision.flush()
        openings.withdraw()
        return SOFTWARE


class _Release:
    """The last release, and the time there is for it. Without a protector nothing has to be let go."""

    def __init__(self, settings: RunSettings) -> None:
        self._leaves_after = settings.stop_timeout - settings.exit_margin * (1 - _RELEASE_SHARE)
        self._wrapped: LastRelease | None = None

    def around(self, protector: Protector) -> Protector:
        self._wrapped = LastRelease(protector)
        return self._wrapped

    def carry_out(self, asked_at: Instant | None, clock: SystemClock) -> bool:
        """Say whether nothing is held any more. asked_at: when we were asked to stop."""
        if self._wrapped is None:
            return True
        left = self._leaves_after if asked_at is None else asked_at + self._leaves_after - clock.now()
        return self._wrapped.release(max(0.0, min(left, PATIENCE.total_seconds)))


_NOT_RELEASED = note(
    "protection.not_released",
    Level.WARNING,
    why="the agent did not confirm it in time",
    so="if ECS does not end the whole task, it stays protected until the lease ends",
)


def _finding(settings: SidecarSettings, metadata: TaskMetadata | None) -> Callable[[], Seen | None] | None:
    """Return how the worker's main process is found; None where it cannot be."""
    container, pattern = settings.container, settings.pattern
    if pattern is None and (container is None or metadata is None):
        return None
    # Needs psutil, which is for those who share a PID namespace.
    from supervisor.adapters import neighbours

    if pattern is not None:
        by_pattern = neighbours.by_command_line(pattern)
        return lambda: neighbours.find(by_pattern)

    def find() -> Seen | None:
        state = metadata.read() if metadata is not None else ""
        known = None if isinstance(state, str) else state.others.get(container or "")
        return None if known is None else neighbours.find(neighbours.in_container(known.docker_id))

    return find


def _beginning(settings: SidecarSettings, openings: Openings) -> list[Note]:
    """Return what a person should know about how this begins."""
    # No worker leaves orphans to us.
    notes = list(beginning(settings.run, openings, _NOT_ATTACHED, is_subreaper=True))
    notes += (note("settings.doubtful", Level.WARNING, doubt=doubt) for doubt in doubts(settings))
    if settings.container is not None and settings.run.metadata_uri is None:
        told = note(
            "worker.cannot_be_found",
            Level.WARNING,
            why="ECS_CONTAINER_METADATA_URI_V4 is not set, so nobody knows the id of its container",
            so="it is told to be quiet over the socket and the API only",
            fix="run this on ECS, or name its processes with --worker-pattern",
        )
        notes.append(told)
    order = "before the worker" if settings.early_notice else "after the worker"
    notes.append(note("sidecar.began", stopped=order, worker=settings.container))
    return notes
