"""The stand-in where it is stricter than the emulator, each fact as AWS documents it."""

from __future__ import annotations

import http.client
import json
import threading

import pytest

from supervisor.adapters.sqs.trouble import Kind, Trouble
from supervisor.emulator.sqs.faults import Fault
from supervisor.emulator.sqs.server import SqsServer
from tests.sqs.polling import MakeQueue, bodies, clients, kind, one, poll, send
from tests.waiting import until


def test_an_old_handle_deletes_nothing(queue: MakeQueue, stand_in: SqsServer) -> None:
    """SQS says that it is done, and the message stays: it belongs to whoever received it since."""
    jobs = queue()
    send(jobs, "one")
    first = one(jobs, visibility=1)
    second = one(jobs, wait=5)
    assert jobs.delete(first.receipt) is None
    assert stand_in.queue("jobs").counts() == (0, 1, 0)
    assert kind(jobs.change_visibility(first.receipt, 30)) is Kind.LOST_LEASE
    assert jobs.delete(second.receipt) is None
    assert stand_in.queue("jobs").counts() == (0, 0, 0)
    assert stand_in.history.story(first.id) == ["sent", "received", "received", "late delete", "deleted"]


def expired(queue: MakeQueue, name: str, stand_in: SqsServer) -> tuple[str, str]:
    """Return id and receipt of a message whose lease has run out, on a queue of that name."""
    jobs = queue(name)
    send(jobs, "one", group="g" if jobs.is_fifo else None)
    message = one(jobs, visibility=1)
    until(lambda: stand_in.queue(name).counts() == (1, 0, 0), why="its lease runs out")
    return message.id, message.receipt


@pytest.mark.parametrize("name", ["jobs", "jobs.fifo"])
def test_an_expired_lease_cannot_be_extended(queue: MakeQueue, stand_in: SqsServer, name: str) -> None:
    """MessageNotInflight, although nobody else has the message yet."""
    _, receipt = expired(queue, name, stand_in)
    refused = queue(name).change_visibility(receipt, 30)
    assert refused is not None
    assert (refused.kind, refused.code) == (
        Kind.LOST_LEASE,
        "AWS.SimpleQueueService.MessageNotInflight",
    )
    (in_batch,) = queue(name).change_visibility_many([(receipt, 30)])
    assert kind(in_batch) is Kind.LOST_LEASE


def test_deleting_late_works_on_a_standard_queue_only(queue: MakeQueue, stand_in: SqsServer) -> None:
    """There nobody has received it since; a FIFO queue refuses, so the job runs again."""
    identity, receipt = expired(queue, "jobs", stand_in)
    assert queue("jobs").delete(receipt) is None
    assert stand_in.history.story(identity)[-1] == "deleted"
    _, receipt = expired(queue, "jobs.fifo", stand_in)
    refused = queue("jobs.fifo").delete(receipt)
    assert refused is not None
    assert (refused.kind, refused.code) == (Kind.LOST_LEASE, "InvalidParameterValue")
    assert kind(queue("jobs.fifo").delete_many([receipt])[0]) is Kind.LOST_LEASE


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.THROTTLE, (Kind.THROTTLED, False)),
        (Fault.ERROR, (Kind.UNREACHABLE, True)),
        (Fault.CUT_BEFORE, (Kind.UNREACHABLE, True)),
        (Fault.EXPIRED_TOKEN, (Kind.CREDENTIALS, False)),
        (Fault.DENIED, (Kind.DENIED, False)),
    ],
)
def test_faults_come_on_demand_and_have_no_effect(
    queue: MakeQueue, stand_in: SqsServer, fault: Fault, expected: tuple[Kind, bool]
) -> None:
    """Each is met as often as it was ordered, and what kind it is can be told."""
    jobs = queue()
    send(jobs, "one")
    stand_in.faults.add("ReceiveMessage", fault)
    met = jobs.receiver().receive(1, 0, 30)
    assert isinstance(met, Trouble)
    assert (met.kind, met.maybe_done) == expected
    assert one(jobs).receive_count == 1


def test_an_answer_may_be_lost_after_the_effect(queue: MakeQueue, stand_in: SqsServer) -> None:
    """Whoever tries again finds that it was done."""
    jobs = queue()
    send(jobs, "one")
    message = one(jobs)
    stand_in.faults.add("DeleteMessage", Fault.CUT_AFTER)
    assert jobs.delete(message.receipt) is None
    assert len(stand_in.calls("DeleteMessage")) == 2
    assert stand_in.history.counts("deleted") == {message.id: 1}


def test_an_act_is_tried_twice_and_a_poll_once(queue: MakeQueue, stand_in: SqsServer) -> None:
    """A poll that is repeated behind our back could take messages that nobody gets."""
    jobs = queue()
    stand_in.faults.add("*", Fault.ERROR, times=3)
    assert kind(jobs.receiver().receive(1, 0, 30)) is Kind.UNREACHABLE
    assert kind(jobs.delete("x")) is Kind.UNREACHABLE
    assert len(stand_in.calls("ReceiveMessage")) == 1
    assert len(stand_in.calls("DeleteMessage")) == 2


def test_a_fifo_poll_whose_answer_was_lost_gets_it_again(queue: MakeQueue, stand_in: SqsServer) -> None:
    """The same messages with the same receipts, by the id of the attempt; the next poll is another attempt."""
    jobs = queue("jobs.fifo")
    send(jobs, "a0", "a1", group="a")
    receiver = jobs.receiver()
    stand_in.faults.add("ReceiveMessage", Fault.CUT_AFTER)
    assert kind(receiver.receive(10, 0, 30)) is Kind.UNREACHABLE
    again = receiver.receive(10, 0, 30)
    assert not isinstance(again, Trouble)
    assert [message.body for message in again.messages] == ["a0", "a1"]
    assert {message.receive_count for message in again.messages} == {1}
    receiver.receive(10, 0, 30)
    attempts = [call.asked["ReceiveRequestAttemptId"] for call in stand_in.calls("ReceiveMessage")]
    assert attempts[0] == attempts[1] != attempts[2]


def test_a_repeated_attempt_brings_nothing_that_has_changed(queue: MakeQueue, stand_in: SqsServer) -> None:
    """What was deleted in between does not come again."""
    jobs = queue("jobs.fifo")
    send(jobs, "a0", group="a")
    receiver = jobs.receiver()
    stand_in.faults.add("ReceiveMessage", Fault.CUT_AFTER)
    receiver.receive(1, 0, 30)
    (moment,) = [m for m in stand_in.history.all() if m.what == "received"]
    assert jobs.delete(moment.receipt) is None
    again = receiver.receive(1, 0, 30)
    assert not isinstance(again, Trouble)
    assert again.messages == ()


def test_too_many_in_flight(queue: MakeQueue, stand_in: SqsServer) -> None:
    """A short poll of a standard queue is refused, a long one and one of a FIFO queue find nothing."""
    for name in ("jobs", "jobs.fifo"):
        jobs = queue(name)
        stand_in.queue(name).in_flight_limit = 1
        send(jobs, "a", group="a" if jobs.is_fifo else None)
        send(jobs, "b", group="b" if jobs.is_fifo else None)
        one(jobs)
    short = queue("jobs").receiver().receive(1, 0, 30)
    assert isinstance(short, Trouble)
    assert (short.kind, short.code) == (Kind.THROTTLED, "OverLimit")
    assert poll(queue("jobs"), wait=1) == ()
    assert poll(queue("jobs.fifo")) == ()


def test_duplicates_come_on_demand(queue: MakeQueue, stand_in: SqsServer) -> None:
    """Both receipts are good, and the receive counts tell."""
    jobs = queue()
    send(jobs, "one")
    first = one(jobs)
    stand_in.queue("jobs").duplicate(first.id)
    second = one(jobs)
    assert (second.id, second.receive_count) == (first.id, 2)
    assert poll(jobs) == ()
    assert jobs.change_visibility(first.receipt, 60) is None
    assert jobs.change_visibility(second.receipt, 60) is None
    assert jobs.delete(second.receipt) is None
    assert jobs.delete(first.receipt) is None
    assert stand_in.history.counts("deleted") == {first.id: 1}
    assert kind(jobs.change_visibility(second.receipt, 60)) is Kind.LOST_LEASE


def test_an_abandoned_poll_takes_the_next_message(queue: MakeQueue, stand_in: SqsServer) -> None:
    """Its client is gone, and nobody gets the message until the visibility timeout has passed."""
    jobs = queue()
    connection = http.client.HTTPConnection("127.0.0.1", int(stand_in.url.rpartition(":")[2]))
    asked = {"QueueUrl": jobs.url, "WaitTimeSeconds": 20, "VisibilityTimeout": 1}
    headers = {"X-Amz-Target": "AmazonSQS.ReceiveMessage"}
    connection.request("POST", "/", json.dumps(asked), headers)
    until(lambda: stand_in.calls("ReceiveMessage"), why="the poll has begun")
    connection.close()
    send(jobs, "lost for now")
    until(lambda: stand_in.queue("jobs").counts() == (0, 1, 0), why="the dead poll takes it")
    assert one(jobs, wait=5).receive_count == 2


def test_fifo_messages_have_a_sequence_number_that_grows(queue: MakeQueue) -> None:
    """Twenty digits, as consumers of it expect."""
    jobs = queue("jobs.fifo")
    rest = jobs._clients.rest
    numbers = [
        rest.send_message(QueueUrl=jobs.url, MessageBody="x", MessageGroupId="g", MessageDeduplicationId=once)
        for once in "ab"
    ]
    first, second = (answer["SequenceNumber"] for answer in numbers)
    assert first < second
    assert len(first) == 20
    raw = jobs._clients.rest.receive_message(QueueUrl=jobs.url, MessageSystemAttributeNames=["All"])
    assert raw["Messages"][0]["Attributes"]["SequenceNumber"] == first


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(number), "ReceiptHandle": "x"} for number in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "same", "ReceiptHandle": "x"}] * 2, "BatchEntryIdsNotDistinct"),
    ],
)
def test_batches_have_rules(queue: MakeQueue, entries: list[dict[str, str]], code: str) -> None:
    """One to ten entries, each with an id of its own."""
    jobs = queue()
    with pytest.raises(Exception, match=code):
        jobs._clients.rest.delete_message_batch(QueueUrl=jobs.url, Entries=entries)


@pytest.mark.parametrize(
    ("most", "wait", "visibility"), [(11, 0, 30), (0, 0, 30), (1, 21, 30), (1, 0, 43_201)]
)
def test_what_is_out_of_range_is_refused(queue: MakeQueue, most: int, wait: int, visibility: int) -> None:
    """It is an error and not cut to the limit."""
    assert kind(queue().receiver().receive(most, wait, visibility)) is Kind.OTHER


def test_a_fifo_message_needs_a_group_and_an_id(queue: MakeQueue) -> None:
    """Unless the queue makes the id of the content."""
    jobs = queue("jobs.fifo")
    assert kind(jobs.send("x", {}, once="x")) is Kind.OTHER
    assert kind(jobs.send("x", {}, group="x")) is Kind.OTHER
    of_content = queue("content.fifo", ContentBasedDeduplication="true")
    assert of_content.send("x", {}, group="x") is None
    assert of_content.send("x", {}, group="x") is None
    assert bodies(poll(of_content)) == ["x"]


def test_a_delayed_message_is_not_there_yet(queue: MakeQueue, stand_in: SqsServer) -> None:
    """It is counted apart, and a poll that waits gets it."""
    jobs = queue()
    jobs._clients.rest.send_message(QueueUrl=jobs.url, MessageBody="later", DelaySeconds=1)
    assert stand_in.queue("jobs").counts() == (0, 0, 1)
    assert poll(jobs) == ()
    assert one(jobs, wait=5).body == "later"


def test_the_service_may_go_away_and_come_back(queue: MakeQueue, stand_in: SqsServer) -> None:
    """What was in the queues is still there, at the same address."""
    jobs = queue()
    send(jobs, "one")
    stand_in.stop()
    fresh = clients(stand_in.url)
    gone = type(jobs)(fresh, jobs.url).receiver().receive(1, 0, 30)
    assert isinstance(gone, Trouble)
    assert (gone.kind, gone.maybe_done) == (Kind.UNREACHABLE, False)
    stand_in.start()
    assert one(jobs).body == "one"


def test_chance_is_the_same_for_the_same_seed() -> None:
    """A run that went wrong can be told again."""

    def drawn(seed: int) -> list[Fault | None]:
        server = SqsServer(seed=seed)
        server.faults.now_and_then(Fault.ERROR, 0.3, "DeleteMessage")
        assert server.faults.for_call("ReceiveMessage") is None
        return [server.faults.for_call("DeleteMessage") for _ in range(50)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 0 < drawn(1).count(Fault.ERROR) < 50


def test_the_record_has_every_call(queue: MakeQueue, stand_in: SqsServer) -> None:
    """What was asked, by whom, what became of it; also while it goes on."""
    jobs = queue()
    waiting = threading.Thread(target=lambda: poll(jobs, wait=20))
    waiting.start()
    until(lambda: stand_in.calls("ReceiveMessage"), why="the poll has begun")
    (call,) = stand_in.calls("ReceiveMessage")
    assert call.ended_at is None
    assert call.asked["WaitTimeSeconds"] == 20
    assert "ecs-supervisor/" in call.agent
    send(jobs, "one")
    waiting.join(5)
    assert call.ended_at is not None
    assert call.answer is not None
    assert call.answer["Messages"][0]["Body"] == "one"
    jobs.delete("nonsense")
    assert stand_in.calls("DeleteMessage")[-1].code == "ReceiptHandleIsInvalid"
    message = stand_in.history.all()[0].message
    assert stand_in.history.handed_back() == {}
    jobs.change_visibility(call.answer["Messages"][0]["ReceiptHandle"], 0)
    assert stand_in.history.handed_back() == {message: 1}
