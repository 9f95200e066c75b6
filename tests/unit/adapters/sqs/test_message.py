"""Messages as values."""

from __future__ import annotations

from hashlib import md5

import pytest

from supervisor.adapters.sqs.message import Attribute, Message, read_message

LEAST = {"MessageId": "m-1", "ReceiptHandle": "r-1", "Body": "text"}


def test_every_field_is_read() -> None:
    """As SQS writes them: numbers are texts."""
    told = {
        **LEAST,
        "MD5OfBody": md5(b"text").hexdigest(),
        "Attributes": {
            "SenderId": "AIDA",
            "SentTimestamp": "1573692420000",
            "ApproximateReceiveCount": "3",
            "ApproximateFirstReceiveTimestamp": "1573692421000",
            "MessageGroupId": "g",
            "AWSTraceHeader": "Root=1-5",
        },
        "MessageAttributes": {
            "a": {"DataType": "String", "StringValue": "é"},
            "n": {"DataType": "Number.int", "StringValue": "1"},
            "b": {"DataType": "Binary", "BinaryValue": b"x"},
        },
    }
    assert read_message(told) == Message(
        id="m-1",
        receipt="r-1",
        body="text",
        is_damaged=False,
        receive_count=3,
        received_first_ms=1573692421000,
        sent_ms=1573692420000,
        sender="AIDA",
        group="g",
        trace="Root=1-5",
        attributes=(
            Attribute("a", "String", "é"),
            Attribute("n", "Number.int", "1"),
            Attribute("b", "Binary", None),
        ),
    )


def test_what_is_missing_is_none() -> None:
    """Emulators leave things out; the first receive is the likeliest."""
    message = read_message(LEAST)
    assert (message.receive_count, message.received_first_ms, message.sender) == (1, None, None)
    assert message.attributes == ()


@pytest.mark.parametrize("text", ["", "-1", "1.5", "x", "²"])
def test_a_number_that_is_none_is_none(text: str) -> None:
    """It is left out instead of passed on."""
    assert read_message({**LEAST, "Attributes": {"SentTimestamp": text}}).sent_ms is None


def test_a_body_that_does_not_match_its_checksum_is_damaged() -> None:
    """SQS says what it sent; botocore does not look."""
    assert read_message({**LEAST, "MD5OfBody": "0" * 32}).is_damaged
    assert not read_message({**LEAST, "Body": "é", "MD5OfBody": md5("é".encode()).hexdigest()}).is_damaged
