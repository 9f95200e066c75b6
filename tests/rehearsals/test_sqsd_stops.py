"""What becomes of messages when the task is stopped: what has begun ends, what has not is at once somebody else's."""

from __future__ import annotations

import json
import signal

import pytest

from tests.rehearsals.deliveries import WAIT_SECONDS, stage
from tests.sqs.polling import poll

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(params=["moto", "stand-in"])
def url(request: pytest.FixtureRequest) -> str | None:
    """Name the server: of moto; None stands for the stand-in."""
    return str(request.getfixturevalue("moto_url")) if request.param == "moto" else None


@pytest.mark.parametrize("wraps", [False, True], ids=["alone", "wrapping"])
def test_a_job_that_has_begun_ends(url: str | None, wraps: bool) -> None:
    """Stopped in the midst of it, the daemon waits for the answer, deletes the message, and exits with 0."""
    with stage(url=url, wraps=wraps) as task:
        task.send("a", seconds=3)
        task.until_began("a")
        status, seconds = task.run.timed_stop()
        assert status == 0
        assert seconds < 10
        assert task.said("ended") == ["a"]
        (done,) = task.notes("delivery.done")
        assert done["status"] == 200
        assert task.is_empty()
        assert not task.notes("deliveries.abandoned")


def test_all_but_the_job_that_has_begun_are_visible_at_once(url: str | None) -> None:
    """Twenty queued and one connection: nineteen are there for others, and cost them nothing."""
    with stage("--http-connections", "1", url=url) as task:
        task.send("first", seconds=2)
        task.until_began("first")
        for number in range(19):
            task.send(f"{number}")
        assert task.run.timed_stop()[0] == 0
        left = [message for _ in range(4) for message in poll(task.queue)]
        assert len(left) == 19
        assert {message.receive_count for message in left} == {1}


def test_a_poll_that_waits_at_the_stop_keeps_nothing() -> None:
    """A message that is sent into it is given back when it ends, so it is there for others within the poll's wait."""
    with stage() as task:
        task.until_polling()
        task.run.send(signal.SIGTERM)
        task.until(lambda: task.notes("task.draining"), "the way out has begun")
        task.send("late")
        assert task.run.status() == 0
        (message,) = poll(task.queue, wait=1)
        assert json.loads(message.body) == {"job": "late"}
        assert task.said("began") == []
        (received, *_) = task.server.history.of(message.id)[1:]
        (returned,) = (moment for moment in task.server.history.of(message.id) if moment.what == "visibility")
        assert returned.at - received.at < WAIT_SECONDS + 1
        assert returned.seconds == 0
        (back,) = task.notes("deliveries.handed_back")
        assert back["messages"] == [message.id]


def test_a_second_signal_changes_nothing() -> None:
    """Whatever is sent once more: what was received is given back, what has begun ends."""
    with stage("--http-connections", "2") as task:
        task.send("a", seconds=3)
        task.until_began("a")
        task.until_polling()
        task.run.send(signal.SIGTERM)
        task.send("late")
        for _ in range(5):
            task.run.send(signal.SIGTERM)
        assert task.run.status() == 0
        assert task.said("ended") == ["a"]
        assert task.visible() == 1
        assert task.invisible() == 0


@pytest.mark.parametrize("wraps", [False, True], ids=["alone", "wrapping"])
def test_a_job_that_outlives_the_stop_is_named_and_left_to_its_lease(wraps: bool) -> None:
    """Its message is never visible while the app may be at work on it."""
    with stage("--stop-timeout", "8", "--poll-wait", "1", wraps=wraps) as task:
        task.send("a", seconds=30)
        task.until_began("a")
        _, seconds = task.run.timed_stop()
        assert seconds < 8
        (abandoned,) = task.notes("deliveries.abandoned")
        assert len(abandoned["messages"]) == 1
        assert not task.server.history.handed_back()
        assert task.invisible() == 1


def test_a_wrapped_app_is_stopped_after_the_deliveries() -> None:
    """It answers to the last one before it gets its signal, and its status is ours."""
    with stage(wraps=True) as task:
        task.send("a", seconds=2)
        task.until_began("a")
        assert task.run.timed_stop()[0] == 0
        assert task.said("gone") == [True]
        names = task.run.names()
        assert names.index("delivery.done") < names.index("worker.exited")


def test_a_wrapped_app_that_dies_ends_the_task_with_its_status() -> None:
    """What it was at is not deleted, nothing is kept, and what only waited is there for others."""
    with stage("--http-connections", "2", wraps=True) as task:
        task.send("waits", seconds=1)
        task.until_began("waits")
        task.send("dies", dies=True)
        assert task.run.status() == 3
        assert not task.notes("delivery.done")
        assert len(task.notes("delivery.failed")) == 2
        assert task.visible() + task.invisible() == 2
        assert not task.server.history.counts("deleted")
