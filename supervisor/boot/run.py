"""Builds the supervisor around a worker that already runs, and runs it to the end."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress

from supervisor.adapters.clock import SystemClock
from supervisor.adapters.last_words import say
from supervisor.adapters.launch import Launcher
from supervisor.adapters.openings import Openings
from supervisor.adapters.process import Processes
from supervisor.adapters.terminal import Terminal
from supervisor.config.attach import Attached
from supervisor.config.settings import RunSettings
from supervisor.core.events import WorkerSpawned
from supervisor.core.instants import after
from supervisor.core.names import SignalName, WorkerName
from supervisor.core.status import SOFTWARE
from supervisor.runtime.crash import report, stop_without_engine
from supervisor.runtime.meaning import CONTINUED, PUT_ASIDE
from supervisor.runtime.signals import Signals

from .beginning import beginning
from .parts import More
from .policy import make_policy
from .supervision import SWITCH_SECONDS, Supervision

WORKER = WorkerName("worker")


def supervise(
    settings: RunSettings,
    signals: Signals,
    launcher: Launcher,
    pid: int,
    terminal: Terminal | None,
    openings: Openings,
    attached: Attached,
    is_subreaper: bool,
    more: More | None = None,
) -> int:
    """Supervise the worker that was started with this pid, to the end; return the status to exit with. more: as Supervision."""
    sys.setswitchinterval(SWITCH_SECONDS)
    clock = SystemClock()
    workers = Processes(WORKER, launcher, pid, settings.signal_target == "group", terminal, signals.suspend)
    supervision = None
    try:
        supervision = Supervision(
            settings,
            make_policy(settings, WORKER, attached.expected, turns_back=more is not None),
            signals,
            workers,
            openings,
            clock,
            {CONTINUED: workers.hand_over, PUT_ASIDE: workers.follow_next_stop},
            more=more,
        )
        supervision.mention(beginning(settings, openings, attached, is_subreaper))
        if more is not None:
            supervision.mention(more.begin(supervision.post, supervision.tell, supervision.spawn_thread))
        # What has been loaded stays: looking through all of it for garbage would take longer than passing on a signal.
        gc.freeze()
        return supervision.run(WorkerSpawned(WORKER, pid))
    except BaseException as error:  # noqa: BLE001 - whatever it is, the worker must be stopped in order
        if supervision is not None:
            supervision.flush()
        report(error, supervision.journal.lines() if supervision else (), say)
        asked_at = supervision.loop.stop_asked_at if supervision else None
        kill_seconds = settings.stages[-1].seconds
        promised = settings.stop_timeout - settings.exit_margin - kill_seconds
        if supervision is not None:
            with suppress(Exception):
                # It may be what has failed.
                supervision.audience.close()
        stop_without_engine(
            workers,
            WORKER,
            None if supervision and supervision.performer.asked_to_stop else _stop_signal(settings),
            after(clock.now() if asked_at is None else asked_at, promised),
            kill_seconds,
            signals,
            clock,
        )
        openings.withdraw()
        return SOFTWARE


def _stop_signal(settings: RunSettings) -> SignalName:
    named = (stage.signal for stage in settings.stages if stage.kind == "stop" and stage.signal is not None)
    return SignalName(next(named, settings.profile.stop_signal))
