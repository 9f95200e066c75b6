"""Takes the place of the agent's task-protection endpoint, for whoever speaks to it; fulfils ports.Hooks."""

from __future__ import annotations

import os
from collections.abc import Callable

from supervisor.core.effects import Announce, Grant, Refuse
from supervisor.ports import Clock, Desk

from .bell import Bell
from .callers import Callers
from .claims import Claims
from .endpoint import Endpoint
from .heard import Heard
from .passthrough import Passthrough
from .watch import Watch

# What the agent gives ECS for one call, and so what its callers have to be patient for.
ANSWER_SECONDS = 4.0


class Arbitration:
    """app: the WSGI application for all paths below the prefix.

    heard: what the agent tells the protector, which must speak through it. start: runs a callable in a thread of that name.
    """

    def __init__(
        self,
        desk: Desk,
        agent_uri: str,
        prefix: str,
        start: Callable[[str, Callable[[], None]], None],
        clock: Clock,
        heard: Heard,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._bell = Bell()
        self._watch = Watch(start)
        heard.changed = self._bell.ring
        claims = Claims(desk.post, clock.now, self._watch)
        self.app = Endpoint(
            prefix,
            desk,
            clock,
            Callers(os.getpid()),
            claims,
            heard,
            self._bell,
            Passthrough(agent_uri, prefix),
            answer_seconds,
        )

    def announce(self, news: Announce) -> None:  # noqa: ARG002 - whoever waits looks for itself
        self._bell.ring()

    def answer(self, order: Grant | Refuse) -> None:
        """Nobody waits for one: a claim is held from its first moment, whatever its caller is told."""

    def close(self) -> None:
        self._watch.close()
