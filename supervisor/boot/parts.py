"""Makes the parts of a supervision that not everybody has; each is loaded by those who have it."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterable, Iterator

from supervisor.adapters.clock import SystemClock
from supervisor.adapters.log_stream import Line
from supervisor.config.settings import RunSettings
from supervisor.core.effects import Note
from supervisor.core.events import Event, OrphanReaped, WorkerExited
from supervisor.ports import Follows, Probes, Protector
from supervisor.render.logline import as_human, as_json
from supervisor.runtime.background import Background
from supervisor.runtime.inbox import Inbox
from supervisor.runtime.signals import Signals

STANDARD_ERROR = 2


def make_protector(settings: RunSettings, background: Background, clock: SystemClock) -> Protector | None:
    if settings.agent_uri is None or settings.protect == "never":
        return None
    # Outside ECS it is never needed.
    from supervisor.adapters.ecs_agent import EcsAgent

    return EcsAgent(settings.agent_uri, background.start, clock.wall)


def make_probes(
    settings: RunSettings, background: Background, clock: SystemClock, tell: Callable[[Note], None]
) -> Probes | None:
    if not settings.probes:
        return None
    from supervisor.adapters.probes.prober import Prober

    return Prober(settings.probes, clock, background.start, tell)


def make_followers(
    settings: RunSettings, tell: Callable[[Note], None], probes: Probes | None
) -> tuple[Follows, ...]:
    """Return who follows what is announced, the one that turns new work away first."""
    found: list[Follows] = [] if probes is None else [probes]
    if settings.ready_file is not None:
        from supervisor.adapters.ready_file import ReadyFile

        found.insert(0, ReadyFile(settings.ready_file, tell))
    return tuple(found)


def reaping(reap: Callable[[], Iterable[Event]], probes: Probes) -> Callable[[], Iterator[Event]]:
    """Let the probes hear of every process that has ended."""

    def collect() -> Iterator[Event]:
        for event in reap():
            if isinstance(event, OrphanReaped):
                probes.collected(event.pid, event.status)
            elif isinstance(event, WorkerExited):
                probes.worker_ended()
            yield event

    return collect


def line_format(settings: RunSettings) -> Line:
    human = settings.log_format == "human" or (settings.log_format == "auto" and os.isatty(STANDARD_ERROR))
    return as_human if human else as_json


def breathing(signals: Signals, inbox: Inbox) -> Callable[[float], object]:
    """Return a way to wait for what is urgent only."""
    urgent = select.epoll()
    for source in (signals, inbox):
        urgent.register(source.fileno(), select.EPOLLIN)
    return urgent.poll
