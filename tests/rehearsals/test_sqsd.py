"""What becomes of messages while a task works: each job once and gone, a failed one back later, and nothing of ours in between."""

from __future__ import annotations

import json

import pytest

from supervisor.adapters.beanstalk.periodic import control_attributes
from supervisor.emulator.sqs.faults import Fault
from tests.rehearsals.deliveries import SECRET, signed, stage
from tests.sqs.polling import one

# A start takes some two seconds on a busy machine, and some jobs are long.
pytestmark = pytest.mark.timeout(60)


@pytest.fixture(params=["moto", "stand-in"])
def url(request: pytest.FixtureRequest) -> str | None:
    """Name the server: of moto; None stands for the stand-in."""
    return str(request.getfixturevalue("moto_url")) if request.param == "moto" else None


def test_a_signed_job_runs_once_and_is_gone(url: str | None) -> None:
    """It reaches the app with its signature and the headers that frameworks look at, and the queue is empty then."""
    body = json.dumps({"job": "a"})
    with stage(url=url, secret=SECRET) as task:
        task.queue.send(body, signed(body))
        task.until_began("a")
        task.until(task.is_empty, "the message is deleted")
        (request,) = task.requests()
        assert request["path"] == "/work"
        assert request["headers"]["user-agent"].startswith("aws-sqsd/")
        assert request["headers"]["x-aws-sqsd-receive-count"] == "1"
        assert task.run.timed_stop()[0] == 0
        (done,) = task.notes("delivery.done")
        assert (done["status"], done["receives"], done["bytes"]) == (200, 1, len(body))
        assert body not in "".join(task.run.errors)


def test_a_tampered_job_is_refused_and_comes_back(url: str | None) -> None:
    """After the error visibility timeout, not before, and as often as the queue allows."""
    options = ("--error-visibility-timeout", "1")
    with stage(*options, url=url, secret=SECRET) as task:
        task.queue.send('{"job": "evil"}', signed('{"job": "good"}'))
        task.until(lambda: len(task.notes("delivery.failed")) >= 2, "the app refuses it again")
        task.until(lambda: len(task.said("refused")) >= 2, "the app has said so")
        assert task.said("began") == []
        first, second = task.notes("delivery.failed")[:2]
        assert (first["why"], first["back_in"], first["receives"]) == ("status 403", 1, 1)
        assert second["receives"] == 2


def test_a_periodic_task_goes_to_its_own_path(url: str | None) -> None:
    """With an empty body, and the name of the task in a header."""
    with stage(url=url) as task:
        task.queue.send(
            "elasticbeanstalk scheduled job", control_attributes("nightly", "/tasks/nightly", 1e9)
        )
        task.until_began("nightly")
        task.until(task.is_empty, "the message is deleted")
        (request,) = task.requests()
        assert (request["path"], request["length"]) == ("/tasks/nightly", 0)
        assert request["headers"]["content-length"] == "0"
        assert request["headers"]["x-aws-sqsd-scheduled-at"] == "2001-09-09T01:46:40Z"


def test_attributes_that_would_be_headers_of_their_own_never_reach_the_app(url: str | None) -> None:
    """The job runs without them, and the log says so once."""
    evil = {"tenant": "7", "note": "x\r\nX-Forwarded-For: 10.0.0.1", "other": "y\nz"}
    with stage(url=url) as task:
        task.send("a", attached=evil)
        task.send("b", attached=evil)
        task.until_began("a")
        task.until_began("b")
        for request in task.requests():
            headers = request["headers"]
            assert headers["x-aws-sqsd-attr-tenant"] == "7"
            assert not {"x-forwarded-for", "x-aws-sqsd-attr-note", "x-aws-sqsd-attr-other"} & headers.keys()
        task.until(lambda: len(task.notes("delivery.attribute_dropped")) >= 2, "it is told")
        dropped = [told["attribute"] for told in task.notes("delivery.attribute_dropped")]
        assert sorted(dropped) == ["note", "other"]


@pytest.mark.parametrize("name", ["jobs", "jobs.fifo"])
def test_a_job_longer_than_the_visibility_timeout_runs_once(url: str | None, name: str) -> None:
    """Its message is extended again and again, however short the timeout is."""
    with stage("--visibility-timeout", "2", url=url, name=name) as task:
        task.send("long", group="g", seconds=5)
        task.until(lambda: "long" in task.said("ended"), "the job has ended")
        task.until(task.is_empty, "the message is deleted")
        assert task.said("began") == ["long"]
        assert not task.notes("delivery.possible_duplicate")


def test_a_message_that_has_to_wait_is_not_received_meanwhile() -> None:
    """With no free connection nothing is asked for: no message is used up by waiting here."""
    with stage("--http-connections", "1") as task:
        task.send("first", seconds=4)
        task.until_began("first")
        task.send("second")
        task.until_began("second")
        assert sorted(task.server.history.counts("received").values()) == [1, 1]
        assert not task.server.history.handed_back()


def test_a_dead_app_costs_no_receives() -> None:
    """While nothing listens nothing is polled, and a message that waits then runs at its first receive."""
    with stage(listens=False) as task:
        task.until(lambda: task.notes("app.not_ready"), "it is seen that nothing listens")
        task.send("waits")
        assert not task.server.calls("ReceiveMessage")
        task.listen()
        task.until_began("waits")
        assert task.requests()[0]["headers"]["x-aws-sqsd-receive-count"] == "1"


def test_an_app_that_dies_in_a_job_leaves_its_message(url: str | None) -> None:
    """It is not deleted: it is failed, and visible again after a delay, because the work may have been done."""
    with stage("--error-visibility-timeout", "1", url=url) as task:
        task.send("a", dies=True)
        task.until(lambda: task.notes("app.not_ready"), "it is seen that the app has gone")
        failed = task.notes("delivery.failed")[0]
        assert failed["why"].startswith("connection closed without an answer")
        assert task.run.timed_stop()[0] == 0
        # Once for the job, once to find nobody there, and now.
        assert one(task.queue, wait=5).receive_count <= 3
        assert not task.notes("delivery.done")


def test_the_order_of_a_group_is_kept_when_one_fails() -> None:
    """FIFO: a failed job comes back before what was sent after it, whatever other groups do."""
    with stage("--error-visibility-timeout", "1", name="jobs.fifo") as task:
        task.send("a0", group="a", status=500)
        task.send("a1", group="a")
        task.send("b0", group="b")
        task.until(lambda: task.said("began").count("a0") >= 2, "the failed one is tried again")
        assert "b0" in task.said("began")
        assert "a1" not in task.said("began")


def test_sqs_that_is_away_costs_nothing_but_time() -> None:
    """Its refusal and its return are noted once each, and the job runs after that."""
    with stage() as task:
        task.until_polling()
        task.server.faults.now_and_then(Fault.CUT_BEFORE, 1.0)
        task.until(lambda: task.notes("queue.trouble"), "trouble is noted")
        task.server.faults.clear()
        task.send("a")
        task.until_began("a")
        task.until(lambda: task.notes("queue.answers_again"), "that is noted too")
        assert len(task.notes("queue.trouble")) == 1


def test_a_dump_has_the_facts_about_messages() -> None:
    """The journal can be read while messages are at work, and no body is in it."""
    with stage() as task:
        task.send("secret")
        task.until_began("secret")
        journal = task.run.journal()
        facts = [next(iter(json.loads(line)["event"])) for line in journal[1:]]
        assert "PollEnded" in facts
        assert "secret" not in "".join(journal)
