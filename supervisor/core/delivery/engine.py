"""The engine of `sqsd`: the engine that every task has, and the deliveries beside it.

The base engine knows nothing of messages. Each delivery is one hold more to it, and so the lifecycle waits for it and
protection covers it as for any other job. This class carries what the two tell each other: holds one way; whether they may
begin, whether new work is welcome and until when, the other way. `run` imports none of it.

Mind: whether work is welcome is passed on before a grant is. Protection that is refused because of a deployment grants
whoever waits where the policy is open, and makes the task quiet in the same instant: then nothing more begins.
"""

from __future__ import annotations

from typing import Any, cast

from supervisor.core import lifecycle
from supervisor.core.effects import Effect, Grant, Refuse
from supervisor.core.engine import Engine
from supervisor.core.events import Event, HoldReleased, HoldTaken, Tick
from supervisor.core.instants import NEVER, Instant, earliest
from supervisor.core.policy import Policy

from .facts import (
    AppReady,
    AppUnready,
    Deleted,
    DeleteFailed,
    DeliveryAnswered,
    DeliveryFailed,
    Extended,
    ExtendFailed,
    Fact,
    FlowIs,
    PollEnded,
    PollFailed,
    Returned,
    ReturnFailed,
    StartGranted,
    StartRefused,
)
from .machine import step, wake_at
from .names import delivery_of
from .orders import Order
from .policy import DeliveryPolicy
from .values import begin
from .view import DeliveriesView, take

# What the shell tells the deliveries, and nobody else.
ShellFact = (
    AppReady
    | AppUnready
    | PollEnded
    | PollFailed
    | DeliveryAnswered
    | DeliveryFailed
    | Extended
    | ExtendFailed
    | Deleted
    | DeleteFailed
    | Returned
    | ReturnFailed
)


class DeliveringEngine(Engine):
    """Used as Engine is; it takes ShellFacts as well, and gives Orders as well."""

    def __init__(
        self, policy: Policy, deliveries: DeliveryPolicy, now: Instant, strict: bool = False
    ) -> None:
        super().__init__(policy, now, strict)
        self._deliveries = begin(deliveries)
        self._delivers_at = NEVER

    def handle(self, event: Event | ShellFact, now: Instant) -> tuple[Effect, ...]:
        if self._ended:
            return ()
        now = max(now, self._now)
        effects: list[Effect | Order] = []
        facts: list[Fact] = [Tick()] if self._delivers_at <= now or isinstance(event, Tick) else []
        if isinstance(event, ShellFact):
            if super().wake_at() <= now:
                self._tell_base(Tick(), now, effects, facts)
            facts.append(event)
        else:
            self._tell_base(event, now, effects, facts)
        self._pass_on(facts, now, effects)
        return cast("tuple[Effect, ...]", tuple(effects))

    def wake_at(self) -> Instant:
        return NEVER if self._ended else earliest(super().wake_at(), self._delivers_at)

    def deliveries(self, now: Instant) -> DeliveriesView:
        """Return how the deliveries stand."""
        return take(self._deliveries, now)

    def _pass_on(self, facts: list[Fact], now: Instant, effects: list[Effect | Order]) -> None:
        while not self._ended:
            if self._has_changed("flow", self._lifecycle) and (flow := self._flow()) != self._deliveries.flow:
                facts.insert(0, flow)
            if not facts:
                break
            orders: list[Any] = []
            self._deliveries = self._step(
                cast(Any, step), self._deliveries, cast(Any, facts.pop(0)), now, orders
            )
            # What concerns the holds comes last, because the end may follow from it.
            holds = [order for order in orders if isinstance(order, HoldTaken | HoldReleased)]
            effects += [order for order in orders if not isinstance(order, HoldTaken | HoldReleased)]
            for order in holds:
                self._tell_base(order, now, effects, facts)
        self._delivers_at = wake_at(self._deliveries)

    def _tell_base(
        self, event: Event, now: Instant, effects: list[Effect | Order], facts: list[Fact]
    ) -> None:
        for effect in super().handle(event, now):
            delivery = delivery_of(effect.hold) if isinstance(effect, Grant | Refuse) else None
            match effect:
                case Grant(protected=protected) if delivery is not None:
                    facts.append(StartGranted(delivery, protected))
                case Refuse(why=why) if delivery is not None:
                    facts.append(StartRefused(delivery, why))
                case _:
                    effects.append(effect)

    def _flow(self) -> FlowIs:
        life = self._lifecycle
        allowed = lifecycle.is_accepting(life)
        if life.began_at == NEVER:
            return FlowIs(allowed)
        plan, last = life.policy.plan, len(life.policy.plan.stages) - 1
        # The last stage kills the app; there may be none before it.
        interrupted_at = plan.ends_at(last - 1, life.began_at) if last else life.began_at
        return FlowIs(allowed, interrupted_at, lifecycle.exit_deadline(life))
