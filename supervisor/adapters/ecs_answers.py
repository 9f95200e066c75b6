"""What an answer of the ECS agent's task-protection endpoint means.

The status alone never decides. A refusal by ECS comes as 200 with a `failure` inside, a missing IAM
permission as 400, missing role credentials as 403. The task is protected only where the body says so, and
says what we asked for; what may have been carried out, and what cannot be read, is unknown until looked at.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from supervisor.core.effects import LookAtProtection, Protect, Unprotect
from supervisor.core.events import (
    ProtectionAnswer,
    ProtectionCleared,
    ProtectionGranted,
    ProtectionRefused,
    ProtectionSeen,
    ProtectionUnknown,
    Refusal,
)

if TYPE_CHECKING:
    from datetime import datetime
else:
    # The C module below `datetime`, which carries the same in Python as well: a quarter of a megabyte in every task.
    from _datetime import datetime

# The date comes from the clock of ECS and is compared with ours; so small a difference is between the clocks.
CLOCK_SLACK_SECONDS = 2.0

# Messages are repeated in a log line, and raw texts of the agent's AWS SDK run to several hundred characters.
LONGEST_MESSAGE_CHARACTERS = 300

# Statuses by their names in RFC 9110; `http`, which has them all, would take 2 ms to load.
_OK = 200
_MULTIPLE_CHOICES = 300
_BAD_REQUEST = 400
_NOT_FOUND = 404
_METHOD_NOT_ALLOWED = 405
_TOO_MANY_REQUESTS = 429
_INTERNAL_SERVER_ERROR = 500

Order = Protect | Unprotect | LookAtProtection


def read_answer(
    status: int,
    content_type: str,
    body: bytes,
    order: Order,
    asked_wall: float,
    now_wall: float,
) -> ProtectionAnswer:
    """Return the one fact that this HTTP answer to the order tells. Never raise, whatever the bytes."""
    envelope = _decode(body)
    protection, failure, error = (_part(envelope, key) for key in ("protection", "failure", "error"))
    if status == _OK:
        if protection is not None and failure is None and error is None:
            return _read_protection(protection, order, asked_wall, now_wall)
        if failure is not None and protection is None:
            return _read_failure(failure, order)
        described = f"{content_type or 'no content type'}, {len(body)} bytes"
        return ProtectionUnknown(order.attempt, f"HTTP 200 with a body that is not the agent's ({described})")
    return _read_error(status, error or {}, order, by_ecs=bool(envelope.get("requestID")))


def _decode(body: bytes) -> dict[str, Any]:
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return envelope if isinstance(envelope, dict) else {}


def _part(envelope: dict[str, Any], key: str) -> dict[str, Any] | None:
    part = envelope.get(key)
    return part if isinstance(part, dict) else None


def _text(part: dict[str, Any], key: str) -> str:
    text = part.get(key)
    return text[:LONGEST_MESSAGE_CHARACTERS] if isinstance(text, str) else ""


def _read_protection(
    protection: dict[str, Any], order: Order, asked_wall: float, now_wall: float
) -> ProtectionAnswer:
    enabled = protection.get("ProtectionEnabled")
    ends_wall = _wall_time(protection.get("ExpirationDate"))
    match order:
        case Protect() if enabled is True:
            return ProtectionGranted(order.attempt, _lease(order.minutes * 60.0, asked_wall, ends_wall))
        case Unprotect() if enabled is False:
            return ProtectionCleared(order.attempt)
        case LookAtProtection() if enabled is True:
            # On, but without a date to rely on: as far as we know nothing is left.
            left = 0.0 if ends_wall is None else max(0.0, ends_wall - now_wall)
            return ProtectionSeen(order.attempt, left)
        case LookAtProtection() if enabled is False:
            return ProtectionSeen(order.attempt, None)
        case _:
            said = enabled if isinstance(enabled, bool) else "neither true nor false"
            return ProtectionUnknown(order.attempt, f"ProtectionEnabled is {said}, which was not asked for")


def _wall_time(date: object) -> float | None:
    """Return an RFC 3339 date as seconds since the epoch; None for all else, also for a date without zone."""
    if not isinstance(date, str):
        return None
    try:
        moment = datetime.fromisoformat(date)
        return None if moment.tzinfo is None else moment.timestamp()
    except ValueError:
        return None


def _lease(asked_seconds: float, asked_wall: float, ends_wall: float | None) -> float:
    """Return how long after the asking protection holds: what we asked for, or less where the date says so.

    A date that has passed already says that the clocks disagree, not that ECS protected a task for no time.
    """
    if ends_wall is None or ends_wall <= asked_wall:
        return asked_seconds
    reported_seconds = ends_wall - asked_wall
    return reported_seconds if reported_seconds < asked_seconds - CLOCK_SLACK_SECONDS else asked_seconds


_FAILURES = {
    "DEPLOYMENT_BLOCKED": (
        Refusal.BLOCKED,
        "the service would have more protected tasks than its desired count: a deployment or scale-in waits"
        " for tasks to finish; let this one finish and exit, or raise the desired count",
    ),
    "TASK_NOT_VALID": (
        Refusal.NOT_A_SERVICE_TASK,
        "ECS protects tasks of a service only; run this task in a service, or set protect to never",
    ),
    "MISSING": (Refusal.TRY_AGAIN, "ECS does not know this task, or not any more"),
}


def _read_failure(failure: dict[str, Any], order: Order) -> ProtectionRefused:
    reason = _text(failure, "Reason") or "NoReason"
    kind, advice = _FAILURES.get(reason, (Refusal.TRY_AGAIN, "ECS gave a reason that it does not document"))
    return ProtectionRefused(order.attempt, kind, reason, _join(advice, _text(failure, "Detail")))


def _read_error(
    status: int, error: dict[str, Any], order: Order, *, by_ecs: bool
) -> ProtectionRefused | ProtectionUnknown:
    code, message = _text(error, "Code"), _text(error, "Message")
    # A 5xx is the agent's word that something broke on the way to ECS or back: the change may have been made.
    # RequestCanceled is the agent's own limit of 4 s for the whole call; ECS may still carry the call out.
    if status >= _INTERNAL_SERVER_ERROR or code == "RequestCanceled":
        why = _join(f"HTTP {status} {code}".rstrip(), message, _NO_ANSWER_FROM_ECS)
        return ProtectionUnknown(order.attempt, why)
    if status < _MULTIPLE_CHOICES:
        return ProtectionUnknown(order.attempt, f"HTTP {status}, which the agent never answers")
    if code in _DENIED and by_ecs:
        return ProtectionRefused(order.attempt, Refusal.NOT_ALLOWED, code, _join(_NO_PERMISSION, message))
    detail = _join(_advice(status, code, by_ecs), message)
    return ProtectionRefused(order.attempt, Refusal.TRY_AGAIN, code or f"Http{status}", detail)


# One code, two meanings: from ECS (with a requestID) it is about IAM, from the agent about its own memory.
_DENIED = frozenset({"AccessDeniedException", "AccessDenied"})

_NO_PERMISSION = (
    "the task role may not do this; allow ecs:UpdateTaskProtection and ecs:GetTaskProtection on the task role"
    " (taskRoleArn, not executionRoleArn)"
)

_NO_CREDENTIALS = (
    "the agent holds no credentials of a task role: either the task definition names no taskRoleArn (give it"
    " one that allows ecs:UpdateTaskProtection and ecs:GetTaskProtection), or the agent has just restarted"
)

_NO_ANSWER_FROM_ECS = "if it stays so, check the agent's way to ECS: route, security group, VPC endpoint"
_STALE_CREDENTIALS = "the credentials of the task role are not valid (any more); ECS gives the agent new ones"
_THROTTLED = "ECS limits how often an account may ask; a longer lease and release delay ask less often"
_UNFIT = "the request was not accepted as it stands; if it stays so, this is worth reporting as a bug"

_ADVICE_BY_CODE = {
    "ExpiredTokenException": _STALE_CREDENTIALS,
    "ExpiredToken": _STALE_CREDENTIALS,
    "UnrecognizedClientException": _STALE_CREDENTIALS,
    "ThrottlingException": _THROTTLED,
    "Throttling": _THROTTLED,
}

_ADVICE_BY_STATUS: dict[int, str] = {
    _NOT_FOUND: (
        "there is no task protection at this address: ECS_AGENT_URI is not this container's own,"
        " or the agent is older than 1.65.0"
    ),
    _METHOD_NOT_ALLOWED: "what answers at ECS_AGENT_URI is not the ECS agent",
    _TOO_MANY_REQUESTS: (
        "the agent takes 40 requests a second at most; something else in this task asks it without pause"
    ),
}


def _advice(status: int, code: str, by_ecs: bool) -> str:
    if code in _DENIED:
        return _NO_CREDENTIALS
    if status < _BAD_REQUEST:
        return "a redirect is not followed; ECS_AGENT_URI is not the value that ECS set"
    if code in _ADVICE_BY_CODE:
        return _ADVICE_BY_CODE[code]
    # With a requestID it is ECS that said so, and what the agent means by the same status does not apply.
    return _UNFIT if by_ecs else _ADVICE_BY_STATUS.get(status, _UNFIT)


def _join(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
