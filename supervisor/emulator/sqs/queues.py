"""The queues of the stand-in: what SQS promises about receiving, handles, groups and dead letters, and its exact refusals.

Stricter than what AWS does on most days, because a promise that is broken on rare ones is the one worth testing against.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import uuid4

from .history import History, Moment, What
from .messages import LONGEST_LEASE_SECONDS, Lease, Stored
from .refusal import expired_handle, not_a_handle, not_in_flight, out_of_range, over_limit, too_long

# Sent twice within this time with the same deduplication id, a message counts once; and so long a receive can be repeated.
_REPEAT_SECONDS = 300.0

_LONGEST_WAIT_SECONDS = 20

DEFAULTS = {
    "VisibilityTimeout": "30",
    "MessageRetentionPeriod": "345600",
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "ReceiveMessageWaitTimeSeconds": "0",
}


class StoredQueue:
    """in_flight_limit, longest_lease: SQS's own, for a test to lower."""

    def __init__(self, name: str, arn: str, attributes: Mapping[str, str], history: History) -> None:
        self.name, self.arn = name, arn
        self.is_fifo = name.endswith(".fifo")
        self.attributes = {**DEFAULTS, **attributes}
        self.in_flight_limit = 120_000
        self.longest_lease = LONGEST_LEASE_SECONDS
        self._history = history
        self._changed = threading.Condition()
        self._messages: dict[str, Stored] = {}
        self._by_handle: dict[str, Stored] = {}
        self._sent_once: dict[str, tuple[float, Stored]] = {}
        self._repeatable: dict[str, tuple[float, list[Stored], list[str]]] = {}
        self._number = 0

    def send(
        self,
        body: str,
        attributes: Mapping[str, Any],
        system: Mapping[str, str],
        delay: float,
        group: str | None,
        once: str | None,
    ) -> Stored:
        with self._changed:
            now = time.monotonic()
            if once is not None and now < self._sent_once.get(once, (0.0, None))[0]:
                return self._sent_once[once][1]
            self._number += 1
            message = Stored(
                str(uuid4()), body, attributes, system, epoch_ms(), self._number, group, now + delay
            )
            self._messages[message.id] = message
            if once is not None:
                self._sent_once[once] = (now + _REPEAT_SECONDS, message)
            self._tell(message, "sent")
            self._changed.notify_all()
            return message

    def receive(
        self,
        most: int,
        wait: float,
        visibility: float | None,
        attempt: str | None,
        bury: Callable[[Stored, str], None],
    ) -> list[tuple[Stored, str]]:
        """Return messages with their new handles. bury: takes what was received too often, and the dead-letter queue's ARN.

        As the service does, it goes on waiting when the client has hung up, and gives messages to nobody then.
        """
        _within("MaxNumberOfMessages", most, 1, 10)
        _within("WaitTimeSeconds", wait, 0, _LONGEST_WAIT_SECONDS)
        lease = float(self.attributes["VisibilityTimeout"]) if visibility is None else visibility
        _within("VisibilityTimeout", lease, 0, LONGEST_LEASE_SECONDS)
        deadline = time.monotonic() + wait
        with self._changed:
            while True:
                now = time.monotonic()
                if attempt is not None and (again := self._again(attempt, lease, now)):
                    return again
                if len(self._messages) >= self.in_flight_limit <= self._in_flight(now):
                    if wait == 0 and not self.is_fifo:
                        raise over_limit()
                elif taken := self._take(most, lease, now, bury):
                    if attempt is not None:
                        stored, handles = [m for m, _ in taken], [h for _, h in taken]
                        self._repeatable[attempt] = (now + _REPEAT_SECONDS, stored, handles)
                    return taken
                if now >= deadline:
                    return []
                self._changed.wait(max(0.0, min(deadline, self._next_visible(now)) - now))

    def delete(self, handle: str) -> None:
        with self._changed:
            message, now = self._of(handle), time.monotonic()
            lease = message.lease
            is_newest = (lease is not None and lease.handle == handle) or handle in message.shadows
            if message.deleted:
                return
            if self.is_fifo and not (is_newest and message.in_flight(now)):
                raise expired_handle(handle)
            if not is_newest:
                # Somebody else has received it since: SQS says that it is done, and it is not.
                self._tell(message, "late delete", handle)
                return
            message.deleted = True
            del self._messages[message.id]
            self._tell(message, "deleted", handle)
            self._changed.notify_all()

    def change_visibility(self, handle: str, seconds: float) -> None:
        _within("VisibilityTimeout", seconds, 0, LONGEST_LEASE_SECONDS)
        with self._changed:
            message = self._of(handle)
            try:
                if not message.change(handle, seconds, time.monotonic(), self.longest_lease):
                    raise not_in_flight()
            except OverflowError:
                raise too_long(seconds, self.longest_lease) from None
            self._tell(message, "visibility", handle, seconds)
            self._changed.notify_all()

    def duplicate(self, message_id: str) -> None:
        """Have a message delivered once more while it is in flight, as a standard queue now and then does."""
        assert not self.is_fifo
        with self._changed:
            self._messages[message_id].copies_due += 1
            self._tell(self._messages[message_id], "duplicated")
            self._changed.notify_all()

    def counts(self) -> tuple[int, int, int]:
        """Return how many messages are visible, in flight and delayed."""
        with self._changed:
            now = time.monotonic()
            flying = self._in_flight(now)
            delayed = sum(now < message.visible_at for message in self._messages.values())
            return len(self._messages) - flying - delayed, flying, delayed

    def accept(self, message: Stored) -> None:
        """Take a message that another queue gave up."""
        with self._changed:
            message.lease, message.visible_at = None, 0.0
            self._messages[message.id] = message
            self._changed.notify_all()

    def _take(
        self, most: int, lease: float, now: float, bury: Callable[[Stored, str], None]
    ) -> list[tuple[Stored, str]]:
        taken: list[tuple[Stored, str]] = []
        dead: list[tuple[Stored, str]] = []
        for message in self._deliverable(now):
            if len(taken) == most:
                break
            if (grave := self._grave(message)) is not None:
                dead.append((message, grave))
            else:
                taken.append((message, self._lease(message, lease, now)))
        for message, grave in dead:
            del self._messages[message.id]
            self._tell(message, "dead")
            bury(message, grave)
        return taken

    def _deliverable(self, now: float) -> Iterator[Stored]:
        """Yield what may be delivered, oldest first; of a FIFO group nothing while something of it is in flight or delayed."""
        messages = self._messages.values()
        locked = {m.group for m in messages if not m.visible(now)} if self.is_fifo else set()
        for message in messages:
            if message.copies_due or (message.visible(now) and message.group not in locked):
                yield message

    def _lease(self, message: Stored, lease: float, now: float) -> str:
        message.receives += 1
        handle = f"{message.id}#{message.receives}#{uuid4().hex}"
        if message.copies_due and message.in_flight(now):
            message.copies_due -= 1
            message.shadows.add(handle)
        else:
            message.lease = Lease(handle, now, now + lease)
        message.first_received_ms = message.first_received_ms or epoch_ms()
        self._by_handle[handle] = message
        self._tell(message, "received", handle, lease)
        return handle

    def _grave(self, message: Stored) -> str | None:
        """Return the dead-letter queue's ARN where the message has been received as often as it may."""
        if not (policy := self.attributes.get("RedrivePolicy")):
            return None
        told = json.loads(policy)
        is_spent = message.receives >= int(told["maxReceiveCount"])
        return str(told["deadLetterTargetArn"]) if is_spent else None

    def _again(self, attempt: str, lease: float, now: float) -> list[tuple[Stored, str]]:
        """Return what this attempt has brought before, if nothing has become of it since."""
        until, stored, handles = self._repeatable.get(attempt, (0.0, [], []))
        pairs = list(zip(stored, handles, strict=True))
        if now >= until or not all(
            m.lease is not None and m.lease.handle == h and m.in_flight(now) for m, h in pairs
        ):
            return []
        for message, _ in pairs:
            assert message.lease is not None
            message.lease.until = now + lease
        return pairs

    def _of(self, handle: str) -> Stored:
        if (message := self._by_handle.get(handle)) is None:
            raise not_a_handle()
        return message

    def _in_flight(self, now: float) -> int:
        return sum(message.in_flight(now) for message in self._messages.values())

    def _next_visible(self, now: float) -> float:
        ends = (message.lease.until if message.lease else 0.0 for message in self._messages.values())
        starts = (message.visible_at for message in self._messages.values())
        return min((at for at in (*ends, *starts) if at > now), default=float("inf"))

    def _tell(self, message: Stored, what: What, receipt: str = "", seconds: float = 0.0) -> None:
        self._history.add(Moment(time.monotonic(), self.name, message.id, what, receipt, seconds))


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise out_of_range(name, value)


def epoch_ms() -> int:
    return int(time.time() * 1000)
