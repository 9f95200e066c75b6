"""What is particular to a taskiq broker: how a message goes back, what was read ahead, and what its settings can lose.

Rules
  1. Any broker: the same bytes are sent again, then the message is acknowledged, in that order.
  2. A Redis list: they are pushed to the end that is fetched from.
  3. A Redis stream: what this consumer has been given and has not passed on is moved, by one transaction each. Only where
     the consumer's name is of taskiq's making, which no other process has: another's messages are not ours to move.
"""

from __future__ import annotations

import functools
import inspect
import uuid
from collections.abc import Iterator
from typing import Any

# More than a stream reads ahead with its default settings.
PAGE = 1000


class StreamIds:
    """Which messages of a stream this process has passed on, and which it has sent again; as Redis names them.

    is_exact: what is neither is read ahead, and ours.
    """

    def __init__(self, is_exact: bool) -> None:
        self.is_exact = is_exact
        self._in_hand: set[tuple[Any, Any]] = set()
        self._sent_again: set[tuple[str, str]] = set()

    def passed_on(self, queue: Any, number: Any, ack: Any) -> Any:
        """Note a message that is passed on; return its acknowledgement, by which it is known from now on."""
        known = functools.partial(ack)
        known.key = queue, number  # type: ignore[attr-defined]
        self._in_hand.add((queue, number))
        return known

    def done(self, message: Any) -> None:
        """Forget a message that was acknowledged."""
        if self._in_hand:
            self._in_hand.discard(_key(message))

    def send_again(self, key: tuple[str, str]) -> None:
        """Note that a message that was read ahead has been sent again."""
        self._sent_again.add(key)

    def was_sent_again(self, message: Any) -> bool:
        """Whether this message has been sent again before it was its turn; then it is no longer ours to run."""
        if not self._sent_again or (key := _key(message)) is None:
            return False
        told = _text(key[0]), _text(key[1])
        if told not in self._sent_again:
            return False
        self._sent_again.discard(told)
        self._in_hand.discard(key)
        return True

    def is_known(self, key: tuple[str, str]) -> bool:
        """Whether this message was passed on or sent again."""
        # Made alike here, where it is seldom asked, and not for every message.
        return key in self._sent_again or key in {
            (_text(queue), _text(number)) for queue, number in self._in_hand
        }


def _key(message: Any) -> tuple[Any, Any] | None:
    return getattr(getattr(message, "ack", None), "key", None)


def remember_ids(broker: Any) -> StreamIds:
    """Begin to note which messages of a stream broker are in hand; for any other broker there is nothing to note."""
    make = getattr(broker, "_ack_generator", None)
    if not _is_stream(broker) or make is None:
        return StreamIds(is_exact=False)
    ids = StreamIds(is_exact=_is_uuid(broker.consumer_name))
    # Once, as it takes longer than all else here.
    names = tuple(inspect.signature(make).parameters)

    def ack_generator(*args: Any, **kwargs: Any) -> Any:
        given = dict(zip(names, args, strict=False), **kwargs) if args else kwargs
        queue = given.get("queue_name", broker.queue_name)
        return ids.passed_on(queue, given["id"], make(*args, **kwargs))

    broker._ack_generator = ack_generator
    return ids


async def hand_back(broker: Any, message: Any) -> bool:
    """Return a message to the broker. False where it is none that taskiq could read."""
    ack = getattr(message, "ack", None)
    data = message if ack is None else message.data
    if type(broker).__name__ == "ListQueueBroker" and hasattr(broker, "connection_pool"):
        from redis.asyncio import Redis

        async with Redis(connection_pool=broker.connection_pool) as redis:
            await redis.rpush(broker.queue_name, data)
        return True
    try:
        read = broker.formatter.loads(message=data)
    except Exception:  # noqa: BLE001 - the formatter's own; taskiq reports and drops such a message
        return False
    from taskiq.message import BrokerMessage

    await broker.kick(
        BrokerMessage(task_id=read.task_id, task_name=read.task_name, message=data, labels=read.labels)
    )
    if ack is not None:
        acknowledged = ack()
        if inspect.isawaitable(acknowledged):
            await acknowledged
    return True


async def hand_back_read_ahead(broker: Any, ids: StreamIds) -> None:
    """Send again what a stream has given to this consumer and nobody here has begun."""
    if not ids.is_exact:
        return
    from redis.asyncio import Redis

    async with Redis(connection_pool=broker.connection_pool) as redis:
        for stream in (broker.queue_name, *getattr(broker, "additional_streams", ())):
            pending = await redis.xpending_range(
                stream, broker.consumer_group_name, "-", "+", PAGE, broker.consumer_name
            )
            for each in pending:
                key = _text(stream), _text(each["message_id"])
                if not ids.is_known(key):
                    await _move(redis, broker, stream, each["message_id"])
                    ids.send_again(key)


async def _move(redis: Any, broker: Any, stream: str, number: Any) -> None:
    found = await redis.xrange(stream, number, number)
    async with redis.pipeline(transaction=True) as pipe:
        # A stream that is cut to a length may have forgotten it already.
        for _, fields in found:
            pipe.xadd(
                stream,
                fields,
                maxlen=getattr(broker, "maxlen", None),
                approximate=getattr(broker, "approximate", True),
            )
        pipe.xack(stream, broker.consumer_group_name, number)
        await pipe.execute()


def advice(broker: Any, ids: StreamIds) -> Iterator[tuple[str, str, str]]:
    """Yield what makes this broker lose or delay tasks: setting, why, and what to set."""
    if type(broker).__name__.startswith("ListQueue"):
        yield (
            "ListQueueBroker",
            "a task that runs at SIGKILL is lost: a Redis list gives a message away when it is fetched",
            "use RedisStreamBroker, which keeps a message until it is acknowledged",
        )
    if _is_stream(broker):
        yield (
            "idle_timeout",
            f"after a SIGKILL a task runs again when {getattr(broker, 'idle_timeout', 600000) / 1000:g} s have"
            " passed and a new message comes",
            "RedisStreamBroker(idle_timeout=...): a little more than the longest task takes, in milliseconds",
        )
        if not ids.is_exact:
            yield (
                "consumer_name",
                "messages that were read ahead stay with the consumer after a clean exit, until idle_timeout",
                "leave consumer_name to taskiq, so that they can be handed back, or set xread_count=1",
            )


def _is_stream(broker: Any) -> bool:
    return type(broker).__name__ == "RedisStreamBroker"


def _is_uuid(name: Any) -> bool:
    try:
        return bool(str(uuid.UUID(name)) == name)
    except (TypeError, ValueError, AttributeError):
        return False


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
