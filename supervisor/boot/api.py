"""What the local API is made of, when somebody first connects: loaded on its own thread, and never before."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from supervisor import __version__
from supervisor.adapters.clock import SystemClock
from supervisor.adapters.http_api.means import Also, Means
from supervisor.adapters.log_stream import LogStream
from supervisor.config.settings import RunSettings
from supervisor.core.effects import Note
from supervisor.core.engine import Engine
from supervisor.core.tally import Tally
from supervisor.runtime.background import Background
from supervisor.runtime.desk import Desk
from supervisor.runtime.inbox import Inbox

if TYPE_CHECKING:
    from supervisor.adapters.arbitration.heard import Heard


def make_means(
    settings: RunSettings,
    agent_prefix: str,
    inbox: Inbox,
    engine: Engine,
    clock: SystemClock,
    background: Background,
    tell: Callable[[Note], None],
    log: LogStream,
    heard: Heard | None,
    also: Callable[[], Also] | None,
) -> Means:
    """Return it. agent_prefix: the path under which the API takes the place of the ECS agent. heard: what the agent said there."""
    desk = Desk(inbox, engine, clock)
    arbitration = None
    if heard is not None and settings.agent_uri is not None:
        from supervisor.adapters.arbitration.arbitration import Arbitration

        arbitration = Arbitration(desk, settings.agent_uri, agent_prefix, background.start, clock, heard)
    return Means(
        desk=desk,
        clock=clock,
        tell=tell,
        tally=Tally(),
        about=_about(settings),
        lines_dropped=lambda: log.dropped,
        token_file=settings.api.token_file,
        remote=settings.api.remote,
        mounts={} if arbitration is None else {agent_prefix: arbitration.app},
        hooks=() if arbitration is None else (arbitration,),
        also=also,
    )


def _about(settings: RunSettings) -> Callable[[], Mapping[str, object]]:
    identity: list[Mapping[str, object]] = []

    def about() -> Mapping[str, object]:
        if not identity and (known := _identity(settings.metadata_uri)) is not None:
            # It never changes; one that could not be read is asked for again.
            identity.append(known)
        return {"version": __version__, "pid": os.getpid(), "identity": identity[0] if identity else None}

    return about


def _identity(metadata_uri: str | None) -> Mapping[str, object] | None:
    """Ask ECS who we are; None where it does not say."""
    if metadata_uri is None:
        return None
    from dataclasses import asdict

    from supervisor.adapters.ecs_metadata import TaskMetadata

    known = TaskMetadata(metadata_uri).identity()
    return None if known is None else asdict(known)
