"""Everything that can go wrong with a protection call, by name, and the programme that says when.

The names are the words of a rehearsal script. Durations are those observed with amazon-ecs-agent 1.105.1 and
its own SDK client, retries included.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Fault(Enum):
    NONE = "none"
    # ECS declines: 200 with a failure entry.
    DEPLOYMENT_BLOCKED = "deployment-blocked"
    TASK_NOT_VALID = "task-not-valid"
    MISSING = "missing"
    FUTURE_REASON = "future-reason"
    BLOCKED_AFTER_RETRIES = "blocked-after-retries"
    # ECS answers with an error.
    INVALID_PARAMETER = "invalid-parameter"
    CLIENT_EXCEPTION = "client-exception"
    RESOURCE_NOT_FOUND = "resource-not-found"
    CLUSTER_NOT_FOUND = "cluster-not-found"
    UNSUPPORTED_FEATURE = "unsupported-feature"
    IAM_DENIED = "iam-denied"
    EXPIRED_TOKEN = "expired-token"
    UNRECOGNIZED_CLIENT = "unrecognized-client"
    THROTTLED = "throttled"
    SERVER_EXCEPTION = "server-exception"
    ECS_NOT_JSON = "ecs-not-json"
    ECS_UNREACHABLE = "ecs-unreachable"
    TWO_FAILURES = "two-failures"
    # ECS is late.
    SLOW_ECS = "slow-ecs"
    THROTTLED_UNTIL_TIMEOUT = "throttled-until-timeout"
    TIMEOUT_NOT_APPLIED = "timeout-not-applied"
    TIMEOUT_APPLIED = "timeout-applied"
    # ECS agrees to something else.
    WRONG_STATE = "wrong-state"
    SHORT_EXPIRY = "short-expiry"
    # The agent does not get as far as ECS.
    NO_ROLE_CREDENTIALS = "no-role-credentials"
    UNKNOWN_ENDPOINT = "unknown-endpoint"
    NO_TASK_METADATA = "no-task-metadata"
    TOO_MANY_REQUESTS = "too-many-requests"
    # The answer does not get as far as the client.
    EMPTY_REPLY = "empty-reply"
    GARBAGE = "garbage"
    HANG = "hang"


@dataclass(frozen=True, slots=True)
class EcsFailure:
    reason: str
    detail: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class EcsError:
    """Without a request id the answer did not come from ECS itself but from the agent's SDK."""

    status: int
    code: str
    message: str
    seconds: float = 0.0
    has_request_id: bool = True


@dataclass(frozen=True, slots=True)
class EcsDelay:
    """ECS applies the change at once or at the end, and answers after so many seconds."""

    seconds: float
    applied_at_once: bool = False


FAILURES: Mapping[Fault, EcsFailure] = {
    Fault.DEPLOYMENT_BLOCKED: EcsFailure("DEPLOYMENT_BLOCKED"),
    Fault.TASK_NOT_VALID: EcsFailure("TASK_NOT_VALID"),
    Fault.MISSING: EcsFailure("MISSING"),
    Fault.FUTURE_REASON: EcsFailure("SOME_FUTURE_REASON", "a detail text"),
    Fault.BLOCKED_AFTER_RETRIES: EcsFailure("DEPLOYMENT_BLOCKED", seconds=3.9),
}

# In messages, {operation} is the API call and {arn} the task.
ERRORS: Mapping[Fault, EcsError] = {
    Fault.INVALID_PARAMETER: EcsError(400, "InvalidParameterException", "Invalid parameter"),
    Fault.CLIENT_EXCEPTION: EcsError(400, "ClientException", "The request was not accepted"),
    Fault.RESOURCE_NOT_FOUND: EcsError(400, "ResourceNotFoundException", "The resource was not found"),
    Fault.CLUSTER_NOT_FOUND: EcsError(400, "ClusterNotFoundException", "Cluster not found."),
    Fault.UNSUPPORTED_FEATURE: EcsError(400, "UnsupportedFeatureException", "The task is not supported"),
    Fault.IAM_DENIED: EcsError(
        400,
        "AccessDeniedException",
        "User: arn:aws:sts::111122223333:assumed-role/worker/emulated is not authorized to perform: "
        "ecs:{operation} on resource: {arn}",
    ),
    Fault.EXPIRED_TOKEN: EcsError(
        400, "ExpiredTokenException", "The security token included in the request is expired"
    ),
    Fault.UNRECOGNIZED_CLIENT: EcsError(
        400, "UnrecognizedClientException", "The security token included in the request is invalid."
    ),
    Fault.THROTTLED: EcsError(400, "ThrottlingException", "Rate exceeded", seconds=0.44),
    Fault.SERVER_EXCEPTION: EcsError(
        500, "ServerException", "Service Unavailable. Please try again later.", seconds=2.36
    ),
    Fault.ECS_NOT_JSON: EcsError(
        500,
        "ServerException",
        "operation error ECS: {operation}, exceeded maximum number of attempts, 3, https response error "
        "StatusCode: 503, RequestID: , deserialization failed, failed to decode response body, "
        "invalid character '<' looking for beginning of value",
        seconds=2.6,
        has_request_id=False,
    ),
    Fault.ECS_UNREACHABLE: EcsError(
        500,
        "ServerException",
        "operation error ECS: {operation}, exceeded maximum number of attempts, 3, https response error "
        'StatusCode: 0, RequestID: , request send failed, Post "https://ecs.eu-west-1.amazonaws.com/": '
        "dial tcp: connect: connection refused",
        seconds=3.6,
        has_request_id=False,
    ),
    Fault.TWO_FAILURES: EcsError(500, "ServerException", "Unexpected error occurred", has_request_id=False),
}

DELAYS: Mapping[Fault, EcsDelay] = {
    Fault.SLOW_ECS: EcsDelay(3.5),
    Fault.THROTTLED_UNTIL_TIMEOUT: EcsDelay(6.0),
    Fault.TIMEOUT_NOT_APPLIED: EcsDelay(6.0),
    Fault.TIMEOUT_APPLIED: EcsDelay(6.0, applied_at_once=True),
}


class Faults:
    """Which fault each protection call meets: first those programmed in order, then the lasting one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: deque[tuple[Fault, str | None]] = deque()
        self._always: list[tuple[Fault, str | None]] = []

    def next(self, *faults: Fault, method: str | None = None) -> None:
        """Give the coming calls (of this method, if one is named) these faults, in this order."""
        with self._lock:
            self._next.extend((fault, method) for fault in faults)

    def always(self, fault: Fault, *, method: str | None = None) -> None:
        """Give every call (of this method, if one is named) this fault until `clear`."""
        with self._lock:
            self._always.insert(0, (fault, method))

    def clear(self) -> None:
        with self._lock:
            self._next.clear()
            self._always.clear()

    def take(self, method: str) -> Fault:
        """The fault for a call of this method that has just arrived."""
        with self._lock:
            for entry in self._next:
                if entry[1] in (None, method):
                    self._next.remove(entry)
                    return entry[0]
            for fault, wanted in self._always:
                if wanted in (None, method):
                    return fault
        return Fault.NONE
