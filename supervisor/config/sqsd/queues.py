"""Reads the queues' URLs, and what can be told from them: the name, the region, whether they are AWS's at all."""

from __future__ import annotations

from urllib.parse import urlsplit

from supervisor.config.reading import Reader
from supervisor.core.frozen import Frozen

_HEAVIEST = 1000

_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")

# By how the names of their regions begin.
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}

# The URLs of queues that were made before regions had one of their own name.
_OLDEST_HOST = "queue.amazonaws.com"
_OLDEST_REGION = "us-east-1"


class QueueSpec(Frozen):
    """weight: its share of the room where there is more to do than room."""

    url: str
    name: str
    weight: int
    is_fifo: bool


def read_queues(reader: Reader) -> tuple[QueueSpec, ...]:
    """Return the queues in the order given, and note what is wrong with them."""
    words = (reader.given("queue_url") or "").replace(";;", ";").split()
    if not words:
        reader.refuse("queue_url", "is missing", "give the URL of the queue to work on")
    queues = tuple(queue for word in words if (queue := _read(reader, word)) is not None)
    names = [queue.name for queue in queues]
    if len(set(names)) < len(names):
        fix = "name each queue once, and run one `sqsd` for each region or account"
        reader.refuse("queue_url", "names two queues that are called the same", fix)
    return queues


def region_of(url: str) -> str | None:
    """Return the region that an AWS queue's URL names, None for any other URL."""
    host = (urlsplit(url).hostname or "").lower()
    if host == _OLDEST_HOST:
        return _OLDEST_REGION
    domain = next((domain for domain in _AWS_DOMAINS if host.endswith(domain)), None)
    if domain is None:
        return None
    labels = host.removesuffix(domain).split(".")
    # sqs.REGION, sqs-fips.REGION, ENDPOINT.sqs.REGION.vpce, REGION.queue
    if labels[-1] == "vpce":
        labels.pop()
    return labels[0] if labels[-1] == "queue" else labels[-1]


def arn_of(url: str) -> str | None:
    """Return the ARN of the queue that an AWS queue's URL names, None for any other URL."""
    region, path = region_of(url), urlsplit(url).path.strip("/").split("/")
    if region is None or len(path) != len(("account", "name")):
        return None
    partition = next((name for begin, name in _PARTITIONS.items() if region.startswith(begin)), "aws")
    return ":".join(("arn", partition, "sqs", region, *path))


def endpoint_of(url: str) -> str | None:
    """Return the address of an emulator or proxy that a queue's URL names, None where it is one of AWS's own."""
    split = urlsplit(url)
    return None if region_of(url) is not None else f"{split.scheme}://{split.netloc}"


def _read(reader: Reader, word: str) -> QueueSpec | None:
    url, comma, weight = word.partition(",")
    if not _is_queue(url):
        fix = "give the whole URL, as in https://sqs.eu-west-1.amazonaws.com/123456789012/jobs"
        reader.refuse("queue_url", f"has `{url}`, which is no queue's URL", fix)
        return None
    number = int(weight) if weight.isascii() and weight.isdecimal() else 0
    if comma and not 1 <= number <= _HEAVIEST:
        fix = f"give a whole number from 1 to {_HEAVIEST} after the comma, or none"
        reader.refuse("queue_url", f"has the weight `{weight}`", fix)
        return None
    name = url.rstrip("/").rpartition("/")[2]
    return QueueSpec(url, name, number if comma else 1, name.endswith(".fifo"))


def _is_queue(url: str) -> bool:
    try:
        split = urlsplit(url)
        has_port = split.port is None or split.port > 0
    except ValueError:
        return False
    path = split.path.strip("/")
    return split.scheme in ("http", "https") and bool(split.hostname) and has_port and bool(path)
