"""Talks to the app: posts messages to it, and finds out whether it can be talked to at all."""

from __future__ import annotations

from collections.abc import Callable

from supervisor import __version__
from supervisor.adapters.beanstalk.answer import Steps
from supervisor.adapters.beanstalk.health import why_unready
from supervisor.adapters.beanstalk.post import Answered, Patience, Wait, delivery
from supervisor.adapters.beanstalk.request import Dropped, Style, Unmappable, make_check, make_request
from supervisor.config.sqsd.settings import AppSettings
from supervisor.core.delivery.facts import AppReady, AppUnready, DeliveryAnswered, DeliveryFailed, Failure
from supervisor.core.delivery.orders import CheckApp, Deliver
from supervisor.core.delivery.policy import LONGEST_VISIBILITY_SECONDS
from supervisor.core.effects import Level, Note, note

from .mailbox import Mailbox
from .meter import Meter

# A health check takes milliseconds; an app that needs longer than this is not well.
_CHECK_SECONDS = 5.0

# Whoever sends to the queue makes up the names, and nobody wants to read each of them.
_MOST_TOLD = 100


class Posts:
    """tell: takes a note, from any thread."""

    def __init__(
        self, app: AppSettings, mailbox: Mailbox, meter: Meter, tell: Callable[[Note], None]
    ) -> None:
        self._address = app.address, app.port
        self._mailbox = mailbox
        self._meter = meter
        self._tell = tell
        self._told: set[Dropped] = set()
        self._style = Style(
            app.path, app.mime_type, app.user_agent, app.host, app.forwarded_proto, app.takes_periodic
        )
        # No message can be kept longer.
        self._patience = Patience(app.connect_timeout, app.inactivity_timeout, LONGEST_VISIBILITY_SECONDS)
        short = min(_CHECK_SECONDS, app.connect_timeout)
        self._check_patience = Patience(short, _CHECK_SECONDS, 2 * _CHECK_SECONDS)
        self._check = None
        if app.health_path is not None:
            # Not by the daemon's name: frameworks would take it for a job.
            agent = f"ecs-supervisor/{__version__}"
            self._check = make_check(app.health_path, app.host, agent, app.forwarded_proto)

    def deliver(self, order: Deliver) -> Steps[Wait, DeliveryAnswered | DeliveryFailed]:
        """Post one message, in steps; it takes as long as the app does, and at worst a message's twelve hours."""
        kept = self._mailbox.find(order.delivery)
        if kept is None:
            return DeliveryFailed(order.delivery, Failure.IMPOSSIBLE, "the message is not here any more")
        queue, message = kept
        made = make_request(message, queue, self._style)
        if isinstance(made, Unmappable):
            return DeliveryFailed(order.delivery, Failure.IMPOSSIBLE, made.why)
        self._mention(queue, made.dropped)
        outcome = yield from delivery(made.request, *self._address, self._patience)
        size = len(made.request.body)
        if isinstance(outcome, Answered):
            self._meter.posted(str(outcome.status), outcome.took, size)
            return DeliveryAnswered(order.delivery, outcome.status, outcome.retry_after)
        self._meter.posted(outcome.kind.value, outcome.took, size)
        return DeliveryFailed(order.delivery, outcome.kind, outcome.detail)

    def check(self, _: CheckApp) -> AppReady | AppUnready:
        why = why_unready(self._check, *self._address, self._check_patience)
        return AppReady() if why is None else AppUnready(why)

    def _mention(self, queue: str, dropped: tuple[Dropped, ...]) -> None:
        """Say once of each attribute that it does not reach the app."""
        for each in dropped:
            if each not in self._told and len(self._told) < _MOST_TOLD:
                self._told.add(each)
                told = note(
                    "delivery.attribute_dropped",
                    Level.WARNING,
                    queue=queue,
                    attribute=each.name,
                    why=each.why,
                )
                self._tell(told)
