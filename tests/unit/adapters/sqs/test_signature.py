"""Signatures: those of botocore, for the requests that are made here."""

from __future__ import annotations

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from supervisor.adapters.sqs.signature import Secret, Signer

SAME = {"content-type": "application/x-amz-json-1.0", "x-amzn-query-mode": "true"}
OWN = {"x-amz-target": "AmazonSQS.DeleteMessage"}
LASTING = Secret("AKID", "secret/with+signs", None)
PASSING = Secret("ASIA", "another", "token==")
BODY = '{"QueueUrl": "https://sqs/1/jobs", "ReceiptHandle": "é"}'.encode()


def expected(secret: Secret, host: str, body: bytes) -> dict[str, str]:
    """Return the headers as botocore signs them, now."""
    request = AWSRequest("POST", f"https://{host}/", headers={**SAME, **OWN}, data=body)
    SigV4Auth(ReadOnlyCredentials(*secret), "sqs", "eu-west-1").add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@pytest.mark.parametrize("secret", [LASTING, PASSING], ids=["lasting", "passing"])
@pytest.mark.parametrize("host", ["sqs.eu-west-1.amazonaws.com", "127.0.0.1:4566"])
def test_it_is_the_one_that_botocore_makes(secret: Secret, host: str) -> None:
    """For the same request at the same second."""
    theirs = expected(secret, host, BODY)
    signer = Signer({**SAME, "host": host}, "eu-west-1", "sqs")
    ours = signer.headers(OWN, BODY, secret, theirs["x-amz-date"])
    assert ours == theirs | {"host": host}


def test_renewed_credentials_are_used() -> None:
    """The key is kept from request to request, but not beyond its secret; nor beyond its day."""
    signer = Signer({**SAME, "host": "sqs"}, "eu-west-1", "sqs")
    for secret in (LASTING, PASSING, LASTING):
        theirs = expected(secret, "sqs", BODY)
        assert signer.headers(OWN, BODY, secret, theirs["x-amz-date"]) == theirs | {"host": "sqs"}
    days = [signer.headers(OWN, BODY, LASTING, f"202601{day}T000000Z") for day in (10, 11, 10)]
    assert days[0] == days[2]
    fresh = Signer({**SAME, "host": "sqs"}, "eu-west-1", "sqs")
    assert days[1] == fresh.headers(OWN, BODY, LASTING, "20260111T000000Z")
