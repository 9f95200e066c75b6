"""Builds what takes messages and posts them to an app, beside a supervisor of the app or alone, and runs it to the end.

Alone there is nobody to start and to stop: to the core there is one worker all the same, which another container runs
(adapters/foreign_worker.py), and which has ended as soon as it is asked to.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, cast

from supervisor.adapters.clock import SystemClock
from supervisor.adapters.foreign_worker import ForeignWorker
from supervisor.adapters.http_api.means import Also
from supervisor.adapters.last_words import say
from supervisor.adapters.openings import Openings
from supervisor.adapters.process import reap_orphans
from supervisor.adapters.sqsd.deliverer import CALLS_AT_ONCE, Deliverer
from supervisor.adapters.sqsd.look import look_at_queues
from supervisor.adapters.sqsd.mailbox import Mailbox
from supervisor.adapters.sqsd.meter import Meter
from supervisor.adapters.sqsd.service import Service
from supervisor.config.attach import Attached
from supervisor.config.sqsd.policies import delivery_policy
from supervisor.config.sqsd.settings import SqsdSettings
from supervisor.core.delivery.engine import DeliveringEngine
from supervisor.core.effects import Note, note
from supervisor.core.events import Event, WorkerSpawned
from supervisor.core.instants import Instant
from supervisor.core.names import WorkerName
from supervisor.core.policy import Policy
from supervisor.core.status import SOFTWARE
from supervisor.runtime.crash import traced
from supervisor.runtime.perform_deliveries import DeliveringPerformer
from supervisor.runtime.signals import Signals

from .beginning import beginning
from .policy import make_policy
from .supervision import SWITCH_SECONDS, Supervision

APP = WorkerName("app")

# Nothing is attached to an app that somebody else has started.
_NOT_ATTACHED = Attached((), {}, "", None, "it runs in another container")

SpawnThread = Callable[[str, Callable[[], None]], None]


class Delivering:
    """Fulfils parts.More."""

    def __init__(self, settings: SqsdSettings) -> None:
        self._settings = settings
        self._clock = SystemClock()
        self._identity = settings.run.metadata_uri or f"{os.uname().nodename}/{os.getpid()}"
        self._meter = Meter()

    def engine(self, policy: Policy, now: Instant) -> DeliveringEngine:
        self._engine = DeliveringEngine(policy, delivery_policy(self._settings, self._identity), now)
        return self._engine

    def performer(self, *parts: Any) -> DeliveringPerformer:
        self._performer = DeliveringPerformer(*parts)
        return self._performer

    def begin(
        self, post: Callable[[Event], None], tell: Callable[[Note], None], spawn_thread: SpawnThread
    ) -> Sequence[Note]:
        settings = self._settings
        service = Service(
            settings.queues,
            settings.region,
            settings.endpoint_url,
            settings.wait,
            settings.connections + CALLS_AT_ONCE,
        )
        mailbox = Mailbox(self._clock.wall)
        # The loop passes on any fact, and the engine knows these as well.
        answer = cast(Any, post)
        self._performer.deliverer = Deliverer(
            settings, service, mailbox, self._meter, answer, tell, spawn_thread
        )
        spawn_thread("queues", partial(look_at_queues, settings, service, tell))
        if self._settings.cron:
            spawn_thread("periodic", partial(self._send_periodic, service, tell))
        return (self._began(),)

    def look(self) -> Also:
        view = self._engine.deliveries(self._clock.now())
        measured = self._meter.read()

        def metrics() -> Any:
            from supervisor.render.delivery_metrics import DeliveryMetrics

            return DeliveryMetrics(view, measured)

        return Also({"deliveries": asdict(view)}, metrics)

    def _began(self) -> Note:
        settings, app = self._settings, self._settings.app
        return note(
            "sqsd.began",
            queues=tuple(queue.name for queue in settings.queues),
            app=f"http://{app.address}:{app.port}{app.path}",
            connections=settings.connections,
            wait=settings.wait,
            protect=settings.run.protect,
        )

    def _send_periodic(self, service: Service, tell: Callable[[Note], None]) -> None:
        # Loaded in its own thread, and only where there is something to send.
        from supervisor.adapters.cron.periodic import send_periodic

        send_periodic(self._settings, service, self._identity, self._clock.wall, tell)


def deliver(settings: SqsdSettings, signals: Signals, openings: Openings) -> int:
    """Deliver to an app that somebody else runs, to the end; return the status to exit with."""
    sys.setswitchinterval(SWITCH_SECONDS)
    supervision = None
    try:
        run, more = settings.run, Delivering(settings)
        app = ForeignWorker(APP, None, stops=False, waits=False, collect=reap_orphans)
        supervision = Supervision(
            run,
            make_policy(run, APP, None, turns_back=True),
            signals,
            app,
            openings,
            SystemClock(),
            {},
            passes_on=False,
            followers=(app,),
            more=more,
        )
        # No app leaves orphans to us.
        supervision.mention(beginning(run, openings, _NOT_ATTACHED, is_subreaper=True))
        app.start(supervision.post, supervision.tell, supervision.spawn_thread)
        supervision.mention(more.begin(supervision.post, supervision.tell, supervision.spawn_thread))
        gc.freeze()
        return supervision.run(WorkerSpawned(APP, 0))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told, and the sockets are removed
        say(f"{traced(error)}a defect of ecs-supervisor: deliveries end here; please report it\n")
        if supervision is not None:
            say("".join(f"{line}\n" for line in supervision.journal.lines()))
            supervision.flush()
        openings.withdraw()
        return SOFTWARE
