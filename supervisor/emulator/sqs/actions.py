"""The actions of the service on its queues: JSON in, JSON out, a refusal where AWS has one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from hashlib import md5
from typing import Any

from .history import History
from .messages import Stored
from .queues import StoredQueue
from .refusal import Refused, no_such_queue

_ACCOUNT = "000000000000"
_REGION = "eu-west-1"
_SENDER = "AIDASTANDIN"

# Standing in for the 20 digits of the real one: it only has to grow.
_SEQUENCE_DIGITS = 20

_MOST_ENTRIES = 10

Asked = Mapping[str, Any]


class Actions:
    """All queues of one stand-in."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._lock = threading.Lock()
        self._queues: dict[str, StoredQueue] = {}
        self.address = ""

    def perform(self, action: str, asked: Asked) -> dict[str, Any]:
        """Carry out an action. Raise Refused."""
        actions: dict[str, Callable[[Asked], dict[str, Any]]] = {
            "CreateQueue": self._create,
            "GetQueueUrl": self._url,
            "GetQueueAttributes": self._attributes,
            "SetQueueAttributes": self._set_attributes,
            "SendMessage": self._send,
            "SendMessageBatch": lambda asked: _batch(asked, self._send),
            "ReceiveMessage": self._receive,
            "DeleteMessage": self._delete,
            "DeleteMessageBatch": lambda asked: _batch(asked, self._delete),
            "ChangeMessageVisibility": self._change_visibility,
            "ChangeMessageVisibilityBatch": lambda asked: _batch(asked, self._change_visibility),
        }
        if action not in actions:
            raise Refused("UnknownOperationException", f"{action} is not known here")
        return actions[action](asked)

    def queue(self, name: str) -> StoredQueue:
        """Return a queue by name or URL. Raise Refused where there is none."""
        with self._lock:
            if (queue := self._queues.get(name.rstrip("/").rpartition("/")[2])) is None:
                raise no_such_queue()
            return queue

    def _create(self, asked: Asked) -> dict[str, Any]:
        name = asked["QueueName"]
        arn = f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:{name}"
        with self._lock:
            self._queues.setdefault(
                name, StoredQueue(name, arn, asked.get("Attributes") or {}, self._history)
            )
        return {"QueueUrl": f"{self.address}/{_ACCOUNT}/{name}"}

    def _url(self, asked: Asked) -> dict[str, Any]:
        return {"QueueUrl": f"{self.address}/{_ACCOUNT}/{self.queue(asked['QueueName']).name}"}

    def _attributes(self, asked: Asked) -> dict[str, Any]:
        queue = self.queue(asked["QueueUrl"])
        visible, flying, delayed = queue.counts()
        every = {
            **queue.attributes,
            "QueueArn": queue.arn,
            "ApproximateNumberOfMessages": str(visible),
            "ApproximateNumberOfMessagesNotVisible": str(flying),
            "ApproximateNumberOfMessagesDelayed": str(delayed),
        }
        if queue.is_fifo:
            every["FifoQueue"] = "true"
        wanted = asked.get("AttributeNames") or []
        return {"Attributes": every if "All" in wanted else {n: every[n] for n in wanted if n in every}}

    def _set_attributes(self, asked: Asked) -> dict[str, Any]:
        self.queue(asked["QueueUrl"]).attributes.update(asked["Attributes"])
        return {}

    def _send(self, asked: Asked) -> dict[str, Any]:
        queue = self.queue(asked["QueueUrl"])
        body, group, once = asked["MessageBody"], asked.get("MessageGroupId"), None
        if queue.is_fifo:
            if group is None:
                raise Refused("MissingParameter", "The request must contain the parameter MessageGroupId.")
            once = asked.get("MessageDeduplicationId")
            if once is None and queue.attributes.get("ContentBasedDeduplication") == "true":
                once = _digest(body)
            if once is None:
                raise Refused(
                    "InvalidParameterValue", "The queue should either have ContentBasedDeduplication ..."
                )
        system = {
            name: value["StringValue"] for name, value in (asked.get("MessageSystemAttributes") or {}).items()
        }
        delay = float(asked.get("DelaySeconds", queue.attributes["DelaySeconds"]))
        message = queue.send(body, asked.get("MessageAttributes") or {}, system, delay, group, once)
        told = {"MessageId": message.id, "MD5OfMessageBody": _digest(body)}
        return told | ({"SequenceNumber": _sequence(message)} if queue.is_fifo else {})

    def _receive(self, asked: Asked) -> dict[str, Any]:
        queue = self.queue(asked["QueueUrl"])
        taken = queue.receive(
            asked.get("MaxNumberOfMessages", 1),
            asked.get("WaitTimeSeconds", int(queue.attributes["ReceiveMessageWaitTimeSeconds"])),
            asked.get("VisibilityTimeout"),
            asked.get("ReceiveRequestAttemptId") if queue.is_fifo else None,
            self._bury,
        )
        wanted = asked.get("MessageAttributeNames") or ()
        return {"Messages": [_told(*each, wanted, queue.is_fifo) for each in taken]} if taken else {}

    def _bury(self, message: Stored, arn: str) -> None:
        self.queue(arn.rpartition(":")[2]).accept(message)

    def _delete(self, asked: Asked) -> dict[str, Any]:
        self.queue(asked["QueueUrl"]).delete(asked["ReceiptHandle"])
        return {}

    def _change_visibility(self, asked: Asked) -> dict[str, Any]:
        self.queue(asked["QueueUrl"]).change_visibility(asked["ReceiptHandle"], asked["VisibilityTimeout"])
        return {}


def _batch(asked: Asked, action: Callable[[Asked], dict[str, Any]]) -> dict[str, Any]:
    """Perform an action for every entry; what one refuses does not concern the others."""
    entries = asked["Entries"]
    if not entries:
        raise Refused("EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(entries) > _MOST_ENTRIES:
        raise Refused("TooManyEntriesInBatchRequest", f"Maximum number of entries is {_MOST_ENTRIES}.")
    if len({entry["Id"] for entry in entries}) < len(entries):
        raise Refused("BatchEntryIdsNotDistinct", "Ids are not distinct.")
    done: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for entry in entries:
        try:
            done.append({"Id": entry["Id"], **action({"QueueUrl": asked["QueueUrl"], **entry})})
        except Refused as refused:
            failed.append(
                {"Id": entry["Id"], "Code": refused.code, "Message": refused.text, "SenderFault": True}
            )
    return {"Successful": done, "Failed": failed} if failed else {"Successful": done}


def _told(message: Stored, handle: str, wanted: Any, is_fifo: bool) -> dict[str, Any]:
    system = {
        "SenderId": _SENDER,
        "SentTimestamp": str(message.sent_ms),
        "ApproximateReceiveCount": str(message.receives),
        "ApproximateFirstReceiveTimestamp": str(message.first_received_ms),
        **message.system,
    }
    if message.group is not None:
        system["MessageGroupId"] = message.group
    if is_fifo:
        system["SequenceNumber"] = _sequence(message)
    told = {
        "MessageId": message.id,
        "ReceiptHandle": handle,
        "Body": message.body,
        "MD5OfBody": _digest(message.body),
        "Attributes": system,
    }
    attributes = {n: v for n, v in message.attributes.items() if "All" in wanted or n in wanted}
    return told | ({"MessageAttributes": attributes} if attributes else {})


def _sequence(message: Stored) -> str:
    return json.dumps(message.number).zfill(_SEQUENCE_DIGITS)


def _digest(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
