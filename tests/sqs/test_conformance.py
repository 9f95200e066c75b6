"""What SQS does where the emulator and the stand-in agree: the adapter meets the same facts at both."""

from __future__ import annotations

import threading
import time

from supervisor.adapters.sqs.message import Attribute, Message
from supervisor.adapters.sqs.trouble import Kind
from tests.sqs.polling import MakeQueue, attributes, bodies, kind, one, poll, send
from tests.waiting import until

# Receiving at once, on a busy machine.
SOON_SECONDS = 5.0

DIGITS_OF_2001 = 12


def test_a_message_carries_what_was_sent(anywhere: MakeQueue) -> None:
    """Body, attributes and the facts that SQS adds."""
    queue = anywhere()
    assert queue.send('{"a": "é\n"}', {"beanstalk.sqsd.path": "/x", "name": "é"}) is None
    message = one(queue)
    assert isinstance(message, Message)
    assert message.body == '{"a": "é\n"}'
    assert set(message.attributes) == {
        Attribute("beanstalk.sqsd.path", "String", "/x"),
        Attribute("name", "String", "é"),
    }
    assert (message.receive_count, message.is_damaged, message.group) == (1, False, None)
    assert message.sent_ms is not None
    assert message.received_first_ms is not None
    assert message.sent_ms <= message.received_first_ms
    assert len(str(message.sent_ms)) > DIGITS_OF_2001
    assert message.sender is not None


def test_binary_attributes_come_without_text(anywhere: MakeQueue) -> None:
    """They cannot be put into a header."""
    queue = anywhere()
    queue._clients.rest.send_message(
        QueueUrl=queue.url,
        MessageBody="x",
        MessageAttributes={"picture": {"DataType": "Binary.png", "BinaryValue": b"\x00"}},
    )
    assert one(queue).attributes == (Attribute("picture", "Binary.png", None),)


def test_a_poll_that_finds_nothing_brings_nothing(anywhere: MakeQueue) -> None:
    """That is no trouble."""
    assert poll(anywhere()) == ()


def test_a_long_poll_wakes_when_something_is_sent(anywhere: MakeQueue) -> None:
    """It does not wait to its end."""
    queue = anywhere()
    found: list[Message] = []
    began = time.monotonic()
    waiting = threading.Thread(target=lambda: found.extend(poll(queue, wait=20)))
    waiting.start()
    send(queue, "late")
    waiting.join(SOON_SECONDS)
    assert bodies(tuple(found)) == ["late"]
    assert time.monotonic() - began < SOON_SECONDS


def test_a_received_message_is_invisible_until_it_is_handed_back(anywhere: MakeQueue) -> None:
    """Nobody else gets it meanwhile; handing it back counts as a receive all the same."""
    queue = anywhere()
    send(queue, "one")
    message = one(queue)
    assert poll(queue) == ()
    assert queue.change_visibility(message.receipt, 0) is None
    again = one(queue)
    assert (again.id, again.receive_count) == (message.id, 2)
    assert again.receipt != message.receipt
    assert again.received_first_ms == message.received_first_ms


def test_a_lease_that_runs_out_brings_the_message_back(anywhere: MakeQueue) -> None:
    """The visibility timeout of the poll counts, not the queue's."""
    queue = anywhere()
    send(queue, "one")
    one(queue, visibility=1)
    assert one(queue, wait=20).receive_count == 2


def test_a_deleted_message_never_comes_back(anywhere: MakeQueue) -> None:
    """Deleting it a second time is no trouble."""
    queue = anywhere()
    send(queue, "one")
    message = one(queue, visibility=1)
    assert queue.delete(message.receipt) is None
    assert queue.delete(message.receipt) is None
    assert poll(queue, wait=2) == ()


def test_batches_say_what_became_of_each_entry(anywhere: MakeQueue) -> None:
    """One that failed does not hide the others, and more than ten are several calls."""
    queue = anywhere()
    send(queue, *(f"{number}" for number in range(12)))
    messages = [*poll(queue), *poll(queue)]
    assert len(messages) == 12
    receipts = [message.receipt for message in messages]
    kept = queue.change_visibility_many([(receipts[0], 60), ("nonsense", 60), (receipts[11], 0)])
    assert [kind(each) for each in kept] == [None, Kind.LOST_LEASE, None]
    again = one(queue)
    assert again.id == messages[11].id
    gone = queue.delete_many([*receipts[:11], "nonsense", again.receipt])
    assert [kind(each) for each in gone] == [None] * 11 + [Kind.LOST_LEASE, None]
    assert poll(queue) == ()


def test_a_handle_that_is_none_is_a_lost_lease(anywhere: MakeQueue) -> None:
    """By its code, for deleting as for extending."""
    queue = anywhere()
    assert kind(queue.delete("nonsense")) is Kind.LOST_LEASE
    assert kind(queue.change_visibility("nonsense", 5)) is Kind.LOST_LEASE


def test_no_message_is_kept_beyond_twelve_hours(anywhere: MakeQueue) -> None:
    """Counted from the receive: asking for all of it a moment later is too much."""
    queue = anywhere()
    send(queue, "one")
    message = one(queue)
    until(
        lambda: kind(queue.change_visibility(message.receipt, 43_200)) is Kind.TWELVE_HOURS,
        why="a moment has passed since the receive",
    )
    assert queue.change_visibility(message.receipt, 43_190) is None


def test_a_queue_that_is_not_there_is_named(anywhere: MakeQueue) -> None:
    """Whatever is asked of it."""
    queue = anywhere()
    queue.url += "-gone"
    assert kind(queue.receiver().receive(1, 0, 30)) is Kind.NO_SUCH_QUEUE
    assert kind(queue.delete("x")) is Kind.NO_SUCH_QUEUE
    assert [kind(each) for each in queue.delete_many(["x", "y"])] == [Kind.NO_SUCH_QUEUE] * 2
    assert kind(queue.attributes()) is Kind.NO_SUCH_QUEUE
    assert kind(queue.send("x", {})) is Kind.NO_SUCH_QUEUE


def test_attributes_are_texts(anywhere: MakeQueue) -> None:
    """As the checks at the start read them."""
    assert attributes(anywhere(VisibilityTimeout="77"))["VisibilityTimeout"] == "77"


def test_a_fifo_group_waits_for_its_message_in_flight(anywhere: MakeQueue) -> None:
    """Another group does not; after it came back the order is what it was."""
    queue = anywhere("jobs.fifo")
    assert queue.is_fifo
    send(queue, "a0", "a1", group="a")
    send(queue, "b0", group="b")
    first = one(queue)
    assert (first.body, first.group) == ("a0", "a")
    assert bodies(poll(queue)) == ["b0"]
    assert queue.change_visibility(first.receipt, 0) is None
    assert bodies(poll(queue)) == ["a0", "a1"]


def test_a_fifo_message_that_is_sent_twice_comes_once(anywhere: MakeQueue) -> None:
    """By its deduplication id, which is how tasks agree on who sends a periodic one."""
    queue = anywhere("ticks.fifo")
    for _ in range(2):
        assert queue.send("tick", {}, group="g", once="nightly/1") is None
    assert bodies(poll(queue)) == ["tick"]


def test_what_was_received_too_often_goes_to_the_dead_letters(anywhere: MakeQueue) -> None:
    """Hand-backs count as well: the application never saw this one."""
    dead = anywhere("dead")
    arn = attributes(dead)["QueueArn"]
    queue = anywhere(RedrivePolicy=f'{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": 2}}')
    send(queue, "poor")
    for _ in range(2):
        assert queue.change_visibility(one(queue).receipt, 0) is None
    assert poll(queue) == ()
    assert bodies(poll(dead)) == ["poor"]


def test_many_polls_share_the_messages(anywhere: MakeQueue) -> None:
    """Each goes to one of them."""
    queue = anywhere()
    found: list[str] = []

    def drain() -> None:
        while messages := poll(queue, 3, wait=1):
            found.extend(bodies(messages))
            assert set(queue.delete_many([message.receipt for message in messages])) == {None}

    pollers = [threading.Thread(target=drain) for _ in range(4)]
    send(queue, *(str(number) for number in range(40)))
    for poller in pollers:
        poller.start()
    for poller in pollers:
        poller.join(SOON_SECONDS * 2)
    assert sorted(map(int, found)) == list(range(40))
