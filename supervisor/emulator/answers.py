"""The answers of the agent, byte for byte: envelopes, fixed sentences, and the few that are not JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    content_type: str | None = None
    location: str | None = None


def protection(task_arn: str, enabled: bool, expiration_date: str | None) -> Answer:
    return _envelope(
        200,
        {
            "protection": {
                "ExpirationDate": expiration_date,
                "ProtectionEnabled": enabled,
                "TaskArn": task_arn,
            }
        },
    )


def failure(task_arn: str, reason: str, detail: str | None) -> Answer:
    """A refusal by ECS. NB: it is a 200, which is why a client must read the body."""
    return _envelope(200, {"failure": {"Arn": task_arn, "Detail": detail, "Reason": reason}})


def error(
    status: int, code: str, message: str, *, task_arn: str | None = None, request_id: str | None = None
) -> Answer:
    """An error; the request id is there only when ECS itself gave it."""
    details = {"Arn": task_arn} if task_arn else {}
    details |= {"Code": code, "Message": message}
    envelope: dict[str, object] = {"requestID": request_id} if request_id else {}
    return _envelope(status, envelope | {"error": details})


def undecodable(operation: str) -> Answer:
    return error(400, "InvalidParameterException", f"{operation}: failed to decode request")


def no_protection_enabled(task_arn: str) -> Answer:
    message = "Invalid request: does not contain 'ProtectionEnabled' field"
    return error(400, "InvalidParameterException", message, task_arn=task_arn)


def no_role_credentials(task_arn: str) -> Answer:
    message = "Invalid Request: no task IAM role credentials available for task"
    return error(403, "AccessDeniedException", message, task_arn=task_arn)


def unknown_endpoint() -> Answer:
    return error(404, "ResourceNotFoundException", "Failed to find a task for the request")


def no_task_metadata() -> Answer:
    return error(500, "ServerException", "Failed to generate metadata for the task")


def timed_out(task_arn: str) -> Answer:
    message = "Timed out calling ECS Task Protection API"
    return error(504, "RequestCanceled", message, task_arn=task_arn)


def unexpected(task_arn: str) -> Answer:
    return error(500, "ServerException", "Unexpected error occurred", task_arn=task_arn)


def metadata(document: Mapping[str, object]) -> Answer:
    return Answer(200, _encode(document), _JSON)


def unknown_metadata(kind: str, endpoint_id: str) -> Answer:
    """The metadata endpoints answer errors with a bare JSON string."""
    sentence = (
        f"V4 {kind} metadata handler: unable to get {kind} arn from request: "
        f"unable to get {kind} Arn from v3 endpoint ID: {endpoint_id}"
    )
    return Answer(404, _encode(sentence), _JSON)


def too_many_requests() -> Answer:
    return Answer(429, b"You have reached maximum request limit.", _TEXT)


def page_not_found() -> Answer:
    return Answer(404, b"404 page not found\n", _TEXT)


def method_not_allowed() -> Answer:
    return Answer(405)


def bad_request() -> Answer:
    return Answer(400, b"400 Bad Request", _TEXT)


def moved(location: str) -> Answer:
    return Answer(301, location=location)


def garbage() -> Answer:
    """What a proxy in between might say: a success without a word of JSON."""
    return Answer(200, b"<html><body>It works!</body></html>", "text/html")


def _envelope(status: int, content: Mapping[str, object]) -> Answer:
    return Answer(status, _encode(content), _JSON)


def _encode(content: object) -> bytes:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    # Go escapes these three in every string it writes.
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()
