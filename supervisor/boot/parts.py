"""Makes the parts of a supervision that not everybody has; each is loaded by those who have it."""

from __future__ import annotations

import os
import select
import selectors
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from supervisor.adapters.clock import SystemClock
from supervisor.adapters.http_api.door import HttpApi
from supervisor.adapters.log_stream import Line, LogStream
from supervisor.adapters.openings import Openings
from supervisor.config.settings import RunSettings
from supervisor.core.effects import Note
from supervisor.core.engine import Engine
from supervisor.core.events import Event, OrphanReaped, WorkerExited
from supervisor.core.instants import Instant
from supervisor.core.policy import Policy
from supervisor.ports import Follows, Probes, Protector
from supervisor.render.logline import as_human, as_json
from supervisor.runtime.background import Background
from supervisor.runtime.inbox import Inbox
from supervisor.runtime.perform import Performer
from supervisor.runtime.signals import Signals

if TYPE_CHECKING:
    from supervisor.adapters.arbitration.heard import Heard
    from supervisor.adapters.http_api.means import Also, Means

STANDARD_ERROR = 2


class More(Protocol):
    """What a command has to decide beside the supervision of a worker."""

    def engine(self, policy: Policy, now: Instant) -> Engine:
        """Return the engine that decides on both."""

    def performer(self, *parts: Any) -> Performer:
        """Return what carries out the orders of both. parts: as Performer takes them."""

    def begin(
        self,
        post: Callable[[Event], None],
        tell: Callable[[Note], None],
        spawn_thread: Callable[[str, Callable[[], None]], None],
    ) -> Sequence[Note]:
        """Begin what goes on in threads, before the loop does; return what people should know about it."""

    def look(self) -> Also:
        """Return how it stands; on the deciding thread."""


def make_api(
    settings: RunSettings,
    openings: Openings,
    selector: selectors.BaseSelector,
    inbox: Inbox,
    engine: Engine,
    clock: SystemClock,
    background: Background,
    tell: Callable[[Note], None],
    log: LogStream,
    heard: Heard | None,
    more: More | None,
) -> HttpApi | None:
    """Return what waits for the first who speaks HTTP. heard: what the agent said, where its place is taken."""
    if not openings.entrances:
        return None

    def means() -> Means:
        from .api import make_means

        return make_means(
            settings,
            openings.agent_prefix,
            inbox,
            engine,
            clock,
            background,
            tell,
            log,
            heard,
            None if more is None else more.look,
        )

    api = HttpApi(openings.entrances, selector, clock, background.start, means, tell)
    if any(not entrance.path for entrance in openings.entrances):
        # Somebody is meant to use it, and should not have to wait the first time.
        api.open()
    return api


def make_ear(openings: Openings) -> Heard | None:
    """Return what listens to the agent, where its place is taken."""
    if not openings.agent_prefix:
        return None
    from supervisor.adapters.arbitration.heard import Heard

    return Heard()


def make_protector(
    settings: RunSettings, background: Background, clock: SystemClock, heard: Heard | None
) -> Protector | None:
    if settings.agent_uri is None or settings.protect == "never":
        return None
    # Outside ECS it is never needed.
    from supervisor.adapters.ecs_agent import EcsAgent

    if heard is None:
        return EcsAgent(settings.agent_uri, background.start, clock.wall)
    return EcsAgent(settings.agent_uri, background.start, clock.wall, ask=heard.exchange)


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
