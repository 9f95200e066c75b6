"""Queues, as people name them."""

from __future__ import annotations

import pytest

from supervisor.config.sqsd.queues import QueueSpec, arn_of, endpoint_of, region_of
from tests.unit.config.sqsd.given import URL, settings, what_is_wrong

BASE = URL.removesuffix("jobs")


def queues(url: str, *argv: str) -> list[tuple[str, int, bool]]:
    return [(queue.name, queue.weight, queue.is_fifo) for queue in settings(*argv, url=url).queues]


def test_a_queue_is_named_by_its_url() -> None:
    """Whether it is FIFO is in its name."""
    assert settings().queues == (QueueSpec(URL, "jobs", 1, False),)
    assert queues(f"{URL}.fifo") == [("jobs.fifo", 1, True)]
    assert queues("http://localhost:4566/000000000000/jobs/") == [("jobs", 1, False)]


@pytest.mark.parametrize("parted", [f"{URL},3 {BASE}low", f"{URL},3\n{BASE}low"])
def test_several_are_parted_by_spaces(parted: str) -> None:
    """With a weight after a comma, 1 without."""
    assert queues(parted) == [("jobs", 3, False), ("low", 1, False)]


def test_the_flag_may_be_repeated() -> None:
    """The order is kept: it is that of `strict`."""
    assert queues(f"{URL},3", "--queue-url", f"{BASE}low") == [("jobs", 3, False), ("low", 1, False)]


def test_without_a_queue_there_is_nothing_to_do() -> None:
    """It is the one option that has to be given."""
    assert what_is_wrong(url=" ") == ["--queue-url is missing"]


@pytest.mark.parametrize(
    "url",
    [
        "jobs",
        "https://",
        "ftp://host/1/jobs",
        "https://sqs.eu-west-1.amazonaws.com/",
        "http://h:x/1/q",
        "http://h:0/1/q",
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    """A name alone would leave region and account to guess."""
    assert what_is_wrong(url=url) == [
        f"--queue-url has `{url}`, which is no queue's URL",
    ]


@pytest.mark.parametrize("weight", ["", "0", "-1", "1.5", "x", "1001", "²"])
def test_a_weight_is_a_small_whole_number(weight: str) -> None:
    """Anything else is a slip of the finger."""
    assert what_is_wrong(url=f"{URL},{weight}") == [f"--queue-url has the weight `{weight}`"]


def test_no_two_queues_are_called_the_same() -> None:
    """The log could not tell them apart."""
    assert what_is_wrong(url=f"{URL} {URL}") == ["--queue-url names two queues that are called the same"]


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("sqs.eu-west-1.amazonaws.com", "eu-west-1"),
        ("SQS.EU-WEST-1.amazonaws.com", "eu-west-1"),
        ("sqs-fips.us-east-1.amazonaws.com", "us-east-1"),
        ("sqs.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("sqs.us-gov-west-1.api.aws", "us-gov-west-1"),
        ("eu-west-1.queue.amazonaws.com", "eu-west-1"),
        ("queue.amazonaws.com", "us-east-1"),
        ("vpce-0a1b-2c3d.sqs.eu-west-1.vpce.amazonaws.com", "eu-west-1"),
        ("localhost:4566", None),
        ("sqs.eu-west-1.localhost.localstack.cloud:4566", None),
    ],
)
def test_the_region_is_in_the_url(host: str, region: str | None) -> None:
    """Of AWS's own hosts; any other host is where to send the calls."""
    url = f"https://{host}/123456789012/jobs"
    assert region_of(url) == region
    assert endpoint_of(url) == (None if region else f"https://{host}")


@pytest.mark.parametrize(
    ("url", "arn"),
    [
        (URL, "arn:aws:sqs:eu-west-1:123456789012:jobs"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/1/jobs.fifo", "arn:aws-cn:sqs:cn-north-1:1:jobs.fifo"),
        ("https://sqs.us-gov-west-1.amazonaws.com/1/jobs/", "arn:aws-us-gov:sqs:us-gov-west-1:1:jobs"),
        ("https://sqs.eu-west-1.amazonaws.com/jobs", None),
        ("http://localhost:4566/000000000000/jobs", None),
    ],
)
def test_the_arn_is_in_the_url(url: str, arn: str | None) -> None:
    """Of AWS's own queues."""
    assert arn_of(url) == arn
