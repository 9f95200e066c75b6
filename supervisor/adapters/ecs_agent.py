"""Protects the task through the ECS agent on this machine's link (`ECS_AGENT_URI`), one request at a time.

A request may take seconds and the deciding thread has none to give, so a thread of its own carries the orders
out. What goes wrong here becomes an answer too: refused where nothing was sent, else unknown.
"""

from __future__ import annotations

import json
from _queue import SimpleQueue
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from supervisor.adapters.bounded_http import NoReply, Reply, exchange
from supervisor.adapters.ecs_answers import Order, read_answer
from supervisor.core.effects import LookAtProtection, Protect, Unprotect
from supervisor.core.events import ProtectionAnswer, ProtectionRefused, ProtectionUnknown, Refusal

PATH = "/task-protection/v1/state"

# The core has one request under way at most, so more than this waiting is a bug there. Turning the rest
# away keeps the time to an answer bounded: so many wait their turn, the others are told no in theirs.
CROWD = 2


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one request may take: to connect, then until the answer is complete."""

    connect_seconds: float
    answer_seconds: float

    @property
    def total_seconds(self) -> float:
        return self.connect_seconds + self.answer_seconds


# Connecting: the peer is one hop away; 2 s survive one lost packet, as TCP repeats it after 1 s.
# Answering: the agent gives ECS 4 s, and itself 5 s to write the answer. Less than 4 s would do harm,
# because the agent cancels its call to ECS when we hang up; after 5 s no answer comes any more.
PATIENCE = Patience(connect_seconds=2.0, answer_seconds=5.5)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An order that has not been carried out yet. crowded: too many were before it."""

    order: Order
    crowded: bool


class EcsAgent:
    """The Protector of a task on ECS.

    Bound: an order alone is answered within `patience.total_seconds` (7.5 s), an order with others before it within
    (CROWD + 1) times that. Answers come in the order of the orders. After `close` nothing further is sent and nothing
    answered. ask: carries out one HTTP exchange.
    """

    def __init__(
        self,
        uri: str,
        spawn_thread: Callable[[str, Callable[[], None]], None],
        wall: Callable[[], float],
        patience: Patience = PATIENCE,
        ask: Callable[..., Reply | NoReply] = exchange,
    ) -> None:
        # A double slash in the path would be answered with a redirect.
        self._url = uri.rstrip("/") + PATH
        self._spawn_thread = spawn_thread
        self._wall = wall
        self._patience = patience
        self._exchange = ask
        self._waiting: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._closed = Event()

    def submit(self, order: Order) -> None:
        self._waiting.put(_Waiting(order, crowded=self._waiting.qsize() >= CROWD))

    def start(self, answer: Callable[[ProtectionAnswer], None]) -> None:
        self._spawn_thread("protector", lambda: self._work(answer))

    def close(self) -> None:
        self._closed.set()
        self._waiting.put(None)

    def _work(self, answer: Callable[[ProtectionAnswer], None]) -> None:
        while (waiting := self._waiting.get()) is not None and not self._closed.is_set():
            given = self._carry_out(waiting)
            if self._closed.is_set():
                return
            answer(given)

    def _carry_out(self, waiting: _Waiting) -> ProtectionAnswer:
        order = waiting.order
        if waiting.crowded:
            detail = f"not sent, as {CROWD} other orders were waiting; this is worth reporting as a bug"
            return ProtectionRefused(order.attempt, Refusal.TRY_AGAIN, "TooManyOrders", detail)
        try:
            return self._ask(order)
        except Exception as bug:  # noqa: BLE001 - whoever waits for the answer must get one
            return ProtectionUnknown(order.attempt, f"{type(bug).__name__}: {bug}")

    def _ask(self, order: Order) -> ProtectionAnswer:
        method, body = _request(order)
        asked_wall = self._wall()
        reply = self._exchange(
            method,
            self._url,
            body,
            connect_seconds=self._patience.connect_seconds,
            answer_seconds=self._patience.answer_seconds,
        )
        if not isinstance(reply, NoReply):
            return read_answer(reply.status, reply.content_type, reply.body, order, asked_wall, self._wall())
        if reply.sent:
            return ProtectionUnknown(order.attempt, f"no usable answer from the ECS agent: {reply.why}")
        detail = f"the ECS agent cannot be reached ({reply.why}): it restarts, or ECS_AGENT_URI is wrong"
        return ProtectionRefused(order.attempt, Refusal.TRY_AGAIN, "AgentUnreachable", detail)


def _request(order: Order) -> tuple[str, bytes | None]:
    """Return method and body. The agent refuses any other key, and minutes not written as an integer."""
    match order:
        case Protect(minutes=minutes):
            return "PUT", json.dumps({"ProtectionEnabled": True, "ExpiresInMinutes": minutes}).encode()
        case Unprotect():
            return "PUT", json.dumps({"ProtectionEnabled": False}).encode()
        case LookAtProtection():
            return "GET", None
