"""Every way in which a call to SQS fails, as a kind."""

from __future__ import annotations

import pytest
from botocore import exceptions
from botocore.parsers import ResponseParserError

from supervisor.adapters.sqs.trouble import Kind, Trouble, from_code, from_error
from supervisor.core.delivery import facts

EXPIRED = "Value AQEB for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
GONE = (
    "Value AQEB for parameter ReceiptHandle is invalid."
    " Reason: Message does not exist or is not available for visibility timeout change."
)
LIMIT = (
    "Value 43200 for parameter VisibilityTimeout is invalid."
    " Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"
)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("RequestThrottled", Kind.THROTTLED),
        ("AWS.SimpleQueueService.RequestThrottled", Kind.THROTTLED),
        ("Throttling", Kind.THROTTLED),
        ("ThrottlingException", Kind.THROTTLED),
        ("KMS.ThrottlingException", Kind.THROTTLED),
        ("OverLimit", Kind.THROTTLED),
        ("AccessDenied", Kind.DENIED),
        ("AccessDeniedException", Kind.DENIED),
        ("KMS.AccessDeniedException", Kind.DENIED),
        ("KmsAccessDenied", Kind.DENIED),
        ("QueueDoesNotExist", Kind.NO_SUCH_QUEUE),
        ("AWS.SimpleQueueService.NonExistentQueue", Kind.NO_SUCH_QUEUE),
        ("InvalidAddress", Kind.NO_SUCH_QUEUE),
        ("MessageNotInflight", Kind.LOST_LEASE),
        ("AWS.SimpleQueueService.MessageNotInflight", Kind.LOST_LEASE),
        ("ReceiptHandleIsInvalid", Kind.LOST_LEASE),
        ("ExpiredToken", Kind.CREDENTIALS),
        ("ExpiredTokenException", Kind.CREDENTIALS),
        ("InvalidClientTokenId", Kind.CREDENTIALS),
        ("UnrecognizedClientException", Kind.CREDENTIALS),
        ("SignatureDoesNotMatch", Kind.CREDENTIALS),
        ("KmsDisabled", Kind.OTHER),
        ("InvalidSecurity", Kind.OTHER),
        ("", Kind.OTHER),
    ],
)
def test_a_code_decides_whatever_its_protocol(code: str, kind: Kind) -> None:
    """The JSON protocol, the query protocol before it and the layer that checks credentials name them differently."""
    assert from_code(code, "some text", 400) == Trouble(kind, code, "some text", maybe_done=False)


@pytest.mark.parametrize(
    ("text", "kind"),
    [(EXPIRED, Kind.LOST_LEASE), (GONE, Kind.LOST_LEASE), (LIMIT, Kind.TWELVE_HOURS), ("else", Kind.OTHER)],
)
def test_where_one_code_means_several_things_its_text_decides(text: str, kind: Kind) -> None:
    """An expired handle of a FIFO queue and the 12 hour limit have no codes of their own."""
    assert from_code("InvalidParameterValue", text, 400).kind is kind


@pytest.mark.parametrize(
    ("code", "status"),
    [("InternalError", 200), ("InternalFailure", 500), ("ServiceUnavailable", 503), ("502", 502)],
)
def test_a_service_that_fails_may_have_done_it(code: str, status: int) -> None:
    """It is as far away as one that cannot be reached; an entry of a batch says so within an answer that is fine."""
    trouble = from_code(code, "", status)
    assert trouble == Trouble(Kind.UNREACHABLE, code, code, maybe_done=True)


def test_too_many_requests_is_throttling_whatever_the_code() -> None:
    """A proxy in between may have codes of its own."""
    assert from_code("Whatever", "", 429).kind is Kind.THROTTLED


def client_error(response: dict[str, object]) -> exceptions.ClientError:
    return exceptions.ClientError(response, "ReceiveMessage")


@pytest.mark.parametrize(
    ("error", "kind", "maybe_done"),
    [
        (
            client_error(
                {"Error": {"Code": "OverLimit"}, "ResponseMetadata": {"HTTPStatusCode": 403}},
            ),
            Kind.THROTTLED,
            False,
        ),
        (client_error({}), Kind.OTHER, False),
        (exceptions.EndpointConnectionError(endpoint_url="http://x"), Kind.UNREACHABLE, False),
        (exceptions.ConnectTimeoutError(endpoint_url="http://x"), Kind.UNREACHABLE, False),
        (exceptions.SSLError(endpoint_url="http://x", error="x"), Kind.UNREACHABLE, False),
        (exceptions.ProxyConnectionError(proxy_url="http://x"), Kind.UNREACHABLE, False),
        (exceptions.ReadTimeoutError(endpoint_url="http://x"), Kind.UNREACHABLE, True),
        (exceptions.ConnectionClosedError(endpoint_url="http://x"), Kind.UNREACHABLE, True),
        (exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2), Kind.UNREACHABLE, True),
        (ResponseParserError("a page of a proxy"), Kind.UNREACHABLE, True),
        (OSError(104, "Connection reset by peer"), Kind.UNREACHABLE, True),
        (exceptions.NoCredentialsError(), Kind.CREDENTIALS, False),
        (exceptions.PartialCredentialsError(provider="env", cred_var="x"), Kind.CREDENTIALS, False),
        (exceptions.CredentialRetrievalError(provider="x", error_msg="x"), Kind.CREDENTIALS, False),
        (exceptions.MetadataRetrievalError(error_msg="x"), Kind.CREDENTIALS, False),
        (exceptions.NoRegionError(), Kind.OTHER, False),
        (ValueError("Invalid endpoint"), Kind.OTHER, False),
        (KeyError(), Kind.OTHER, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_exception_is_a_kind_too(error: Exception, kind: Kind, maybe_done: bool) -> None:
    """Also whether the call may have had its effect: it had none where there never was a connection."""
    trouble = from_error(error)
    assert (trouble.kind, trouble.maybe_done) == (kind, maybe_done)
    assert trouble.detail


def test_a_detail_is_one_short_line() -> None:
    """The page of a proxy would fill the log."""
    trouble = from_code("x", "<html>\n" + "y" * 1000, 400)
    assert "\n" not in trouble.detail
    assert len(trouble.detail) < 400


@pytest.mark.parametrize(
    ("kind", "decisive"),
    [
        (Kind.THROTTLED, facts.Trouble.THROTTLED),
        (Kind.UNREACHABLE, facts.Trouble.UNREACHABLE),
        (Kind.DENIED, facts.Trouble.DENIED),
        (Kind.NO_SUCH_QUEUE, facts.Trouble.DENIED),
        (Kind.CREDENTIALS, facts.Trouble.DENIED),
        (Kind.LOST_LEASE, facts.Trouble.LOST),
        (Kind.TWELVE_HOURS, facts.Trouble.LIMIT),
        (Kind.OTHER, facts.Trouble.OTHER),
    ],
)
def test_the_core_decides_by_fewer_kinds(kind: Kind, decisive: facts.Trouble) -> None:
    """What nobody can do anything about in time is one of them."""
    assert Trouble(kind, "x", "x", maybe_done=False).decisive is decisive
