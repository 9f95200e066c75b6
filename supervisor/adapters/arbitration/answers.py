"""The agent's answers, byte for byte: the envelopes in JSON, and the few that are something else."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime

from supervisor.adapters.bounded_http import Reply
from supervisor.adapters.http_api.exchange import Answer

from .request import LEAST_MINUTES, MOST_MINUTES

_TEXT = (("Content-Type", "text/plain; charset=utf-8"),)


def protection(arn: str, date: str | None) -> Answer:
    """Say that the task is protected until this date, or not."""
    content = {"ExpirationDate": date, "ProtectionEnabled": date is not None, "TaskArn": arn}
    return _envelope(200, {"protection": content})


def relayed(reply: Reply) -> Answer:
    """Say what the agent has said to us."""
    return Answer(
        reply.status, reply.body, (("Content-Type", reply.content_type),) if reply.content_type else ()
    )


def undecodable() -> Answer:
    return _error(400, "InvalidParameterException", "UpdateTaskProtection: failed to decode request")


def not_said(arn: str) -> Answer:
    """Say that neither true nor false was asked for."""
    message = "Invalid request: does not contain 'ProtectionEnabled' field"
    return _error(400, "InvalidParameterException", message, arn)


def out_of_range(arn: str) -> Answer:
    """Say what ECS says to so many minutes; such an answer carries the number of the request."""
    message = f"expiresInMinutes must be between {LEAST_MINUTES} and {MOST_MINUTES}"
    return _error(400, "InvalidParameterException", message, arn, str(uuid.uuid4()))


def timed_out(arn: str) -> Answer:
    """Say that there is no answer from ECS; what was asked for may come about all the same."""
    return _error(504, "RequestCanceled", "Timed out calling ECS Task Protection API", arn)


def too_many() -> Answer:
    return Answer(429, b"You have reached maximum request limit.", _TEXT)


def not_found() -> Answer:
    return Answer(404, b"404 page not found\n", _TEXT)


def wrong_method() -> Answer:
    return Answer(405)


def moved(location: str) -> Answer:
    return Answer(301, headers=(("Location", location),))


def rfc3339(epoch_seconds: float) -> str:
    """Write an instant as the agent does: milliseconds, without zeros at the end."""
    whole, milliseconds = divmod(round(epoch_seconds * 1000), 1000)
    fraction = f".{milliseconds:03}".rstrip("0").rstrip(".")
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _error(status: int, code: str, message: str, arn: str = "", request_id: str = "") -> Answer:
    content: dict[str, object] = {"requestID": request_id} if request_id else {}
    # Left out where the task could not be found.
    named = {"Arn": arn} if arn else {}
    return _envelope(status, content | {"error": {**named, "Code": code, "Message": message}})


def _envelope(status: int, content: dict[str, object]) -> Answer:
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    # Go writes these so, in every text.
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Answer(status, text.encode(), (("Content-Type", "application/json"),))
