"""What went wrong with a call to SQS, as one of a few kinds that somebody can act upon.

The service says the same thing under several codes: those of its JSON protocol, those of the query protocol before it,
those of the layer that checks credentials, and a suffix after a dot. They are told apart by code. Only where one code
means two things (`InvalidParameterValue`) does its text decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from supervisor.core.delivery import facts

# Longer texts hold a whole page of a proxy.
_LONGEST_DETAIL = 300


class Kind(Enum):
    """What a caller can do about it."""

    # Ask more slowly.
    THROTTLED = "throttled"
    # The network, or the service itself: try again later.
    UNREACHABLE = "unreachable"
    # The task's role lacks an action, on the queue or on its key.
    DENIED = "denied"
    NO_SUCH_QUEUE = "no such queue"
    # The message is not ours any more: its visibility timeout has passed, or it has been deleted.
    LOST_LEASE = "lost lease"
    # No message can be kept longer than 12 hours from when it was received.
    TWELVE_HOURS = "12 hour limit"
    # There are none, they have expired, or the clock is wrong.
    CREDENTIALS = "credentials"
    OTHER = "other"


_DECISIVE = {
    Kind.THROTTLED: facts.Trouble.THROTTLED,
    Kind.UNREACHABLE: facts.Trouble.UNREACHABLE,
    Kind.DENIED: facts.Trouble.DENIED,
    Kind.NO_SUCH_QUEUE: facts.Trouble.DENIED,
    Kind.CREDENTIALS: facts.Trouble.DENIED,
    Kind.LOST_LEASE: facts.Trouble.LOST,
    Kind.TWELVE_HOURS: facts.Trouble.LIMIT,
    Kind.OTHER: facts.Trouble.OTHER,
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """code: the service's word for it, or the name of the error. detail: for people.

    maybe_done: the call may have had its effect all the same, because only the answer is missing.
    """

    kind: Kind
    code: str
    detail: str
    maybe_done: bool

    @property
    def decisive(self) -> facts.Trouble:
        """The kind as far as it changes what the core decides."""
        return _DECISIVE[self.kind]


_THROTTLED = {
    "BandwidthLimitExceeded",
    "KmsThrottled",
    # 120,000 messages are in flight; there is room again when some have been deleted.
    "OverLimit",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttled",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}

_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "KmsAccessDenied",
    "NotAuthorized",
    "OptInRequired",
    "UnauthorizedOperation",
}

_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}

_NO_SUCH_QUEUE = {"InvalidAddress", "NonExistentQueue", "QueueDoesNotExist", "ResourceNotFoundException"}

_LOST_LEASE = {"MessageNotInflight", "ReceiptHandleIsInvalid"}

_KINDS = {
    code: kind
    for kind, codes in (
        (Kind.THROTTLED, _THROTTLED),
        (Kind.DENIED, _DENIED),
        (Kind.CREDENTIALS, _CREDENTIALS),
        (Kind.NO_SUCH_QUEUE, _NO_SUCH_QUEUE),
        (Kind.LOST_LEASE, _LOST_LEASE),
    )
    for code in codes
}

_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = range(500, 600)


def from_code(code: str, text: str, status: int) -> Trouble:
    """Return what a refusal means. status: of the HTTP answer, 200 for an entry of a batch."""
    is_server_error = status in _SERVER_ERRORS or "InternalError" in code or "InternalFailure" in code
    return Trouble(
        _kind(code, text, status, is_server_error),
        code,
        _detail(text or code or "no reason given"),
        is_server_error,
    )


def _kind(code: str, text: str, status: int, is_server_error: bool) -> Kind:
    # "AWS.SimpleQueueService.NonExistentQueue", "KMS.AccessDeniedException" and "Throttling" are all of one family.
    if (known := _KINDS.get(code.rpartition(".")[2])) is not None:
        return known
    if code == "InvalidParameterValue":
        return _invalid_value(text)
    if status == _TOO_MANY_REQUESTS:
        return Kind.THROTTLED
    return Kind.UNREACHABLE if is_server_error else Kind.OTHER


def _invalid_value(text: str) -> Kind:
    """Tell apart what has no code of its own: an expired handle of a FIFO queue, and the 12 hour limit."""
    lower = text.lower()
    if "total visibilitytimeout" in lower:
        return Kind.TWELVE_HOURS
    if "receipthandle" in lower or "receipt handle" in lower:
        return Kind.LOST_LEASE
    return Kind.OTHER


def from_error(error: Exception) -> Trouble:
    """Return what an exception of botocore means, or of anything below it."""
    # Whoever has such an error has loaded it.
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        told = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return from_code(str(told.get("Code", "")), str(told.get("Message", "")), int(status))
    code, detail = type(error).__name__, _detail(str(error) or type(error).__name__)
    if isinstance(error, _never_sent(exceptions)):
        return Trouble(Kind.UNREACHABLE, code, detail, maybe_done=False)
    if isinstance(error, _credentials(exceptions)):
        return Trouble(Kind.CREDENTIALS, code, detail, maybe_done=False)
    if isinstance(error, _no_answer(exceptions)):
        return Trouble(Kind.UNREACHABLE, code, detail, maybe_done=True)
    return Trouble(Kind.OTHER, code, detail, maybe_done=False)


def _never_sent(exceptions: Any) -> tuple[type[Exception], ...]:
    # Each of them means that there was no connection yet.
    return (
        exceptions.EndpointConnectionError,
        exceptions.ConnectTimeoutError,
        exceptions.ProxyConnectionError,
        exceptions.SSLError,
    )


def _credentials(exceptions: Any) -> tuple[type[Exception], ...]:
    return (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.MetadataRetrievalError,
        exceptions.NoAuthTokenError,
        exceptions.TokenRetrievalError,
        exceptions.SSOError,
        exceptions.ProfileNotFound,
    )


def _no_answer(exceptions: Any) -> tuple[type[Exception], ...]:
    from botocore.parsers import ResponseParserError

    # An answer that cannot be read comes from something between us and the service.
    return (exceptions.HTTPClientError, exceptions.IncompleteReadError, ResponseParserError, OSError)


def _detail(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= _LONGEST_DETAIL else f"{one_line[:_LONGEST_DETAIL]}..."
