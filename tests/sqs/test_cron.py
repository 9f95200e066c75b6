"""Periodic tasks: of many senders one sends each run, whatever goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from supervisor.adapters.cron.claims import Claims, FreeClaims, TableClaims, table_claims
from supervisor.adapters.cron.sender import CronSender
from supervisor.adapters.sqs.client import make_client
from supervisor.adapters.sqs.queue import Queue
from supervisor.adapters.sqs.trouble import Kind, Trouble
from supervisor.config.eb_cron.file import read_cron
from supervisor.core.effects import Note
from supervisor.core.ticks import Run, Sending
from supervisor.emulator.sqs.faults import Fault
from supervisor.emulator.sqs.server import SqsServer
from tests.sqs.polling import REGION, MakeQueue, poll
from tests.waiting import until

# 2026-11-23T00:00:00Z
MIDNIGHT = 1_795_392_000.0

TASKS, _ = read_cron(
    "version: 1\ncron:\n"
    " - name: nightly job\n   url: /nightly\n   schedule: 0 0 * * *\n"
    " - name: often\n   url: /often\n   schedule: 0,1 0 * * *\n",
    "cron.yaml",
)


class Bench:
    """Senders of several tasks with one clock."""

    def __init__(self, queue: Queue, claims: Callable[[str], Claims], now: float = MIDNIGHT - 300) -> None:
        self.now = now
        self.notes: list[tuple[str, str]] = []
        self.senders = [
            CronSender(TASKS, queue, claims(f"task-{number}"), lambda: self.now, self._tell)
            for number in range(3)
        ]

    def at(self, seconds: float) -> None:
        """Let every sender look at so many seconds after midnight, all at the same time."""
        self.now = MIDNIGHT + seconds
        threads = [threading.Thread(target=sender.send_due) for sender in self.senders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

    def _tell(self, told: Note) -> None:
        self.notes.append((told.name, str(dict(told.fields)["task"])))


@pytest.fixture
def table(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make the table as the guide says; yield its client."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", moto_url)
    client = make_client("dynamodb", REGION, None)
    client.create_table(
        TableName="runs",
        KeySchema=[{"AttributeName": "task", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "task", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield client
    client.delete_table(TableName="runs")


class OneAtATime:
    """The table's client. The emulator looks and writes in two steps, where DynamoDB has one: nobody comes in between."""

    lock = threading.Lock()

    def __init__(self, client: Any) -> None:
        self._client = client

    def update_item(self, **asked: Any) -> Any:
        with self.lock:
            return self._client.update_item(**asked)


def claims_of(owner: str) -> TableClaims:
    return TableClaims(OneAtATime(make_client("dynamodb", REGION, None)), "runs", "jobs", owner)


def paths(queue: Queue) -> list[str]:
    return sorted(
        attribute.text or ""
        for message in poll(queue)
        for attribute in message.attributes
        if attribute.name == "beanstalk.sqsd.path"
    )


@pytest.mark.usefixtures("table")
def test_each_run_is_sent_once_by_one_of_all_tasks(queue: MakeQueue) -> None:
    """To a standard queue, by a conditional write."""
    jobs = queue()
    bench = Bench(jobs, claims_of)
    for seconds in (-1, 0, 5, 10, 60, 65, 120):
        bench.at(seconds)
    assert paths(jobs) == ["/nightly", "/often", "/often"]
    assert sorted(bench.notes) == [
        ("periodic.sent", "nightly job"),
        ("periodic.sent", "often"),
        ("periodic.sent", "often"),
    ]


def test_a_fifo_queue_needs_no_table(queue: MakeQueue, stand_in: SqsServer) -> None:
    """Every task sends, and the queue drops what it has."""
    jobs = queue("jobs.fifo")
    bench = Bench(jobs, lambda _: FreeClaims())
    for seconds in (-1, 0, 5, 60):
        bench.at(seconds)
    assert len(stand_in.calls("SendMessage")) == 9
    assert len(stand_in.history.counts("sent")) == 3
    assert paths(jobs) in (["/nightly", "/often"], ["/nightly", "/often", "/often"])


@pytest.mark.usefixtures("table")
def test_a_message_says_what_elastic_beanstalk_s_would(queue: MakeQueue) -> None:
    """Body and control attributes."""
    jobs = queue()
    bench = Bench(jobs, claims_of)
    bench.at(0)
    message = next(each for each in poll(jobs) if ("/nightly" in {a.text for a in each.attributes}))
    assert message.body == "elasticbeanstalk scheduled job"
    assert {attribute.name: attribute.text for attribute in message.attributes} == {
        "beanstalk.sqsd.path": "/nightly",
        "beanstalk.sqsd.task_name": "nightly job",
        "beanstalk.sqsd.scheduled_time": "2026-11-23 00:00:00 UTC",
    }


@pytest.mark.usefixtures("table")
def test_a_run_whose_sender_died_is_sent_by_another(queue: MakeQueue) -> None:
    """Its claim runs out; until then the others only look."""
    jobs = queue()
    run = Run(MIDNIGHT, "nightly job")
    assert claims_of("dead").claim(run, MIDNIGHT) is None
    bench = Bench(jobs, claims_of)
    for seconds in (0, 6, 12, 18, 24):
        bench.at(seconds)
    assert paths(jobs) == ["/often"]
    bench.at(31)
    assert paths(jobs) == ["/nightly"]


@pytest.mark.usefixtures("table")
def test_what_is_known_of_a_run() -> None:
    """Held while it is claimed, over once it is sent or the next one has begun."""
    ours, other, run = claims_of("ours"), claims_of("other"), Run(MIDNIGHT, "often")
    assert ours.claim(run, MIDNIGHT) is None
    assert other.claim(run, MIDNIGHT) is Sending.HELD
    assert ours.mark(run) is None
    assert other.claim(run, MIDNIGHT + 100) is Sending.ELSEWHERE
    assert other.claim(Run(MIDNIGHT + 60, "often"), MIDNIGHT + 100) is None
    assert ours.claim(run, MIDNIGHT + 100) is Sending.ELSEWHERE
    assert ours.mark(run) is None


@pytest.mark.usefixtures("table")
def test_a_run_that_could_not_be_sent_is_tried_again_by_who_has_claimed_it(
    queue: MakeQueue, stand_in: SqsServer
) -> None:
    """After seconds: its own claim holds up the others only."""
    jobs = queue()
    bench = Bench(jobs, claims_of)
    stand_in.faults.add("SendMessage", Fault.DENIED, 2)
    bench.at(0)
    bench.at(6)
    assert paths(jobs) == ["/nightly", "/often"]


@pytest.mark.usefixtures("table")
def test_a_run_that_cannot_be_marked_was_sent(queue: MakeQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as that: another task may send it once more."""
    monkeypatch.setattr(TableClaims, "mark", lambda *_: Trouble(Kind.OTHER, "X", "read-only", False))
    jobs, notes = queue(), list[Note]()
    CronSender(TASKS[:1], jobs, claims_of("x"), lambda: MIDNIGHT, notes.append).send_due()
    assert paths(jobs) == ["/nightly"]
    assert [told.name for told in notes] == ["periodic.failed", "periodic.sent"]
    assert str(dict(notes[0].fields)["why"]).startswith("it was sent, and another task may send it once more")


def test_trouble_with_a_run_is_told_once(queue: MakeQueue, stand_in: SqsServer) -> None:
    """However often it is tried."""
    bench = Bench(queue("jobs.fifo"), lambda _: FreeClaims())
    stand_in.faults.now_and_then(Fault.DENIED, 1.1, "SendMessage")
    for seconds in (0, 6, 12):
        bench.at(seconds)
    # By three senders, of two runs.
    assert bench.notes.count(("periodic.failed", "often")) == len(bench.senders)
    assert len(bench.notes) == 2 * len(bench.senders)


def test_a_table_that_is_not_there_is_trouble(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is sent: a standard queue would get every run several times."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", moto_url)
    missing = table_claims("missing", REGION, "jobs", "x")
    assert isinstance(missing, TableClaims)
    trouble = missing.claim(Run(MIDNIGHT, "often"), MIDNIGHT)
    assert isinstance(trouble, Trouble)
    assert trouble.kind is Kind.NO_SUCH_QUEUE


def test_a_sending_that_failed_is_tried_again(queue: MakeQueue, stand_in: SqsServer) -> None:
    """And told; after minutes it is given up, and told as well."""
    jobs = queue("jobs.fifo")
    bench = Bench(jobs, lambda _: FreeClaims())
    stand_in.faults.now_and_then(Fault.DENIED, 1.1, "SendMessage")
    bench.at(0)
    assert set(bench.notes) == {("periodic.failed", "nightly job"), ("periodic.failed", "often")}
    stand_in.faults.clear()
    bench.at(6)
    assert stand_in.history.counts("sent").total() == 2
    stand_in.faults.now_and_then(Fault.DENIED, 1.1, "SendMessage")
    bench.at(60)
    bench.at(400)
    assert ("periodic.missed", "often") in bench.notes


def test_the_thread_ends_when_it_is_told_to(queue: MakeQueue, stand_in: SqsServer) -> None:
    """At once, also while it waits for the next run; and what is due later is not sent."""
    bench = Bench(queue("jobs.fifo"), lambda _: FreeClaims(), now=MIDNIGHT)
    working = threading.Thread(target=bench.senders[0].work)
    working.start()
    until(lambda: stand_in.history.counts("sent").total() == 2, why="what is due is sent")
    bench.senders[0].close()
    working.join(5)
    assert not working.is_alive()
    bench.now = MIDNIGHT + 60
    bench.senders[0].send_due()
    assert stand_in.history.counts("sent").total() == 2
