"""What the agent has told the supervisor, kept so that callers can be told the same.

A caller expects the agent's own words: which task it is, until when it is protected, why it is not, with whatever reason ECS
may think of next. The supervisor asks for all callers together, so its exchanges with the agent are listened to here: from the
first one on, though the rest of the arbitration is loaded for the first caller.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from supervisor.adapters.bounded_http import NoReply, Reply, exchange
from supervisor.adapters.ecs_answers import read_answer
from supervisor.core.effects import Protect
from supervisor.core.events import ProtectionRefused, Refusal
from supervisor.core.names import Attempt


@dataclass(frozen=True, slots=True)
class Word:
    """An answer to a request for protection. refusal: why the agent said no; None where it did not, or not clearly."""

    number: int
    reply: Reply
    refusal: Refusal | None


class Heard:
    """arn: the task's name, empty until it was heard. date: until when the task is protected, as the agent writes it; None where
    it said that the task is not. last: the answer to the last request for protection.

    changed: called after each exchange. ask: carries one out.
    """

    def __init__(self, ask: Callable[..., Reply | NoReply] = exchange) -> None:
        self.changed: Callable[[], object] = _nobody_listens
        self._ask = ask
        self.arn = ""
        self.date: str | None = None
        self.last: Word | None = None
        self.count = 0

    def exchange(
        self, method: str, url: str, body: bytes | None, *, connect_seconds: float, answer_seconds: float
    ) -> Reply | NoReply:
        """Do what `bounded_http.exchange` does, and listen."""
        reply = self._ask(method, url, body, connect_seconds=connect_seconds, answer_seconds=answer_seconds)
        if isinstance(reply, Reply):
            self._listen(reply, _asks_for_protection(body))
        self.changed()
        return reply

    def _listen(self, reply: Reply, is_protect: bool) -> None:
        envelope = _object(reply.body)
        for part, name in (("protection", "TaskArn"), ("failure", "Arn"), ("error", "Arn")):
            found = _member(envelope, part).get(name)
            if isinstance(found, str) and found:
                self.arn = found
        if "protection" in envelope:
            date = _member(envelope, "protection").get("ExpirationDate")
            self.date = date if isinstance(date, str) else None
        # Minutes and clock matter to a lease only, and that is not ours to judge.
        answer = read_answer(reply.status, reply.content_type, reply.body, _PROTECT, 0.0, 0.0)
        refusal = answer.kind if isinstance(answer, ProtectionRefused) else None
        # To a task of no service a look is refused in the same words, and then nothing else is ever asked.
        if is_protect or refusal is Refusal.NOT_A_SERVICE_TASK:
            self.count += 1
            self.last = Word(self.count, reply, refusal)


def _nobody_listens() -> None:
    """Nobody has come yet."""


_PROTECT = Protect(Attempt(0), 1)


def _asks_for_protection(body: bytes | None) -> bool:
    return _object(body or b"").get("ProtectionEnabled") is True


def _object(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _member(envelope: dict[str, Any], name: str) -> dict[str, Any]:
    found = envelope.get(name)
    return found if isinstance(found, dict) else {}
