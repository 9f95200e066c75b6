"""Several queues and one daemon: turns by weight, or by rank."""

from __future__ import annotations

import json

import pytest

from supervisor.emulator.sqs.server import SqsServer
from tests.process.harness import supervised
from tests.rehearsals.deliveries import AWS, OPTIONS, Web

pytestmark = pytest.mark.timeout(60)

# In each queue at the start.
JOBS = 12


@pytest.mark.parametrize(
    ("first", "options", "looked_at", "of_first"),
    [
        # Three for one, as long as both have any.
        (",3", (), 8, 6),
        ("", (), 8, 4),
        ("", ("--queue-order", "strict"), JOBS, JOBS),
    ],
    ids=["by weight", "evenly", "by rank"],
)
def test_turns_of_two_queues(first: str, options: tuple[str, ...], looked_at: int, of_first: int) -> None:
    """With more to do than room; and none of the messages of the other is received before it is its turn."""
    with SqsServer() as server:
        urls = [server.create_queue(name) for name in ("first", "second")]
        for url in urls:
            for _ in range(JOBS):
                server.perform("SendMessage", QueueUrl=url, MessageBody="{}")
        web = Web(0)
        try:
            port = json.loads(web.lines[0])["port"]
            words = ("--queue-url", urls[0] + first, "--queue-url", urls[1], "--http-port", f"{port}")
            with supervised(
                options=(*words, *OPTIONS, "--http-connections", "1", *options), env=AWS, mode="sqsd"
            ) as run:
                run.until(lambda: len(begun(web)) == 2 * JOBS, "all jobs have begun", limit=30)
                assert begun(web)[:looked_at].count("first") == of_first
                assert set(server.history.counts("received").values()) == {1}
                assert run.timed_stop()[0] == 0
        finally:
            web.end()


def begun(web: Web) -> list[str]:
    """Return the queue of each job in the order in which they began."""
    told = [json.loads(line) for line in list(web.lines)]
    return [each["headers"]["x-aws-sqsd-queue"] for each in told if "began" in each]
