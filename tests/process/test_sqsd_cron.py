"""Periodic tasks as processes: several daemons with one cron.yaml, and of each run one message.

No test here waits for a minute to come: a daemon sends at its start what was missed a moment ago, so a schedule of the
minute that has just passed has exactly one run, and that is due at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from supervisor.adapters.sqs.client import make_client
from supervisor.emulator.sqs.faults import Fault
from tests.process.gate import Gate
from tests.process.harness import Run, supervised
from tests.process.keys import Keys, credentials
from tests.rehearsals.conftest import moto_url as moto_url
from tests.rehearsals.conftest import surroundings as surroundings
from tests.rehearsals.deliveries import AWS, Stage, stage
from tests.sqs.polling import REGION

pytestmark = pytest.mark.timeout(60)

TABLE = "runs"


class Tick:
    """A cron.yaml with one task, whose one run was due within the last minute."""

    def __init__(self, folder: Path) -> None:
        at = datetime.now(UTC).replace(second=0, microsecond=0)
        self.told = f"{at:%Y-%m-%dT%H:%M:%SZ}"
        self.path = str(folder / "cron.yaml")
        (folder / "cron.yaml").write_text(
            "version: 1\ncron:\n - name: nightly clean-up\n   url: /tasks/clean-up\n"
            f'   schedule: "{at.minute} {at.hour} {at.day} {at.month} *"\n'
        )


@pytest.fixture
def tick(tmp_path: Path) -> Tick:
    return Tick(tmp_path)


@pytest.fixture
def table(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Make the table as the guide says; yield the surroundings in which a daemon finds it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", moto_url)
    client = make_client("dynamodb", REGION, None)
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "task", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "task", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield AWS | {"AWS_ENDPOINT_URL_DYNAMODB": moto_url}
    client.delete_table(TableName=TABLE)


def test_of_two_tasks_on_a_fifo_queue_one_message_comes(tick: Tick) -> None:
    """Each sends the run, the queue takes one, and the app gets one request: at its path, named, dated and empty."""
    with stage("--cron", tick.path, name="jobs.fifo") as first, another(first) as second:
        for run in (first.run, second):
            run.until_noted("periodic.sent")
        first.until_began("nightly clean-up")
        first.until(first.is_empty, "the message is deleted")
        assert len(first.server.calls("SendMessage")) == 2
        assert first.server.history.counts("sent").total() == 1
        (request,) = first.requests()
        assert (request["path"], request["length"]) == ("/tasks/clean-up", 0)
        headers = request["headers"]
        assert headers["content-length"] == "0"
        assert headers["x-aws-sqsd-taskname"] == "nightly clean-up"
        assert headers["x-aws-sqsd-scheduled-at"] == tick.told


def test_of_two_tasks_on_a_standard_queue_one_sends(tick: Tick, table: dict[str, str], moto_url: str) -> None:
    """Who writes to the table first; the other one looks at it, and says nothing."""
    options = ("--cron", tick.path, "--cron-table", TABLE)
    with stage(*options, surroundings=table) as first, Gate() as gate:
        gate.to(moto_url)
        first.run.until_noted("periodic.sent")
        first.until_began("nightly clean-up")
        with another(first, table | {"AWS_ENDPOINT_URL_DYNAMODB": gate.url}) as second:
            second.until(lambda: gate.answered, "it has looked at the table")
            assert second.timed_stop()[0] == 0
            assert not {"periodic.sent", "periodic.failed"} & set(second.names())
        first.until(first.is_empty, "the message is deleted")
        assert first.server.history.counts("sent").total() == 1


def test_a_run_that_could_not_be_sent_is_sent_by_another_task(tick: Tick) -> None:
    """It is tried again and again and told once; the daemon stops in order all the same, and the run is not lost."""
    with stage("--cron", tick.path, name="jobs.fifo") as task:
        task.server.faults.now_and_then(Fault.DENIED, 1.1, "SendMessage")
        task.until(lambda: len(task.server.calls("SendMessage")) >= 2, "it is tried again")
        assert task.run.timed_stop()[0] == 0
        assert task.run.names().count("periodic.failed") == 1
        task.server.faults.clear()
        with another(task) as second:
            second.until_noted("periodic.sent")
            assert task.server.history.counts("sent").total() == 1


def test_who_failed_to_send_tries_again_soon(tick: Tick, table: dict[str, str]) -> None:
    """Its own claim does not hold it up as that of another task would, which may be just about to send."""
    options = ("--cron", tick.path, "--cron-table", TABLE)
    with stage(*options, surroundings=table) as task:
        task.server.faults.add("SendMessage", Fault.DENIED)
        task.run.until_noted("periodic.failed")
        task.run.until_noted("periodic.sent")
        task.until_began("nightly clean-up")


def test_a_table_that_is_not_there_is_told_and_nothing_is_sent(tick: Tick, table: dict[str, str]) -> None:
    """With the words that name the mistake, and messages are taken meanwhile as ever."""
    with stage("--cron", tick.path, "--cron-table", "forgotten", surroundings=table) as task:
        task.run.until_noted("periodic.failed")
        (failed,) = task.notes("periodic.failed")
        assert failed["why"].startswith("the table cannot be asked: ")
        task.send("a")
        task.until_began("a")
        assert task.server.history.counts("sent").total() == 1
        assert "Traceback" not in "".join(task.run.errors)


# botocore asks for keys three times with pauses, and holds a lock while it does: of three threads one waits for the others.
_KEYS_GIVEN_UP_SECONDS = 40.0


@pytest.mark.timeout(90)
def test_keys_that_come_late_cost_no_run(tick: Tick) -> None:
    """Where the endpoint of the credentials is not up at the start, that is told in a sentence, and the run is sent after it."""
    keys = Keys()
    keys.is_down = True
    with credentials(keys) as env, stage("--cron", tick.path, name="jobs.fifo", surroundings=env) as task:
        is_told = lambda: "periodic.failed" in task.run.names()  # noqa: E731
        task.run.until(is_told, "the keys are given up", limit=_KEYS_GIVEN_UP_SECONDS)
        keys.is_down = False
        task.until_began("nightly clean-up")
        assert "Traceback" not in "".join(task.run.errors)
        assert "thread.failed" not in task.run.names()


def test_a_bad_file_is_refused_with_all_that_is_wrong(tmp_path: Path) -> None:
    """Before anything is started, with status 78 and the line of each mistake."""
    path = tmp_path / "cron.yaml"
    path.write_text(
        "version: 1\ncron:\n"
        " - name: a\n   url: tasks\n   schedule: */5 * * * *\n"
        " - name: b\n   schedule: 0 25 * * *\n"
        " - name: a\n   url: /a\n   schedule: 0 0 * *\n"
    )
    options = ("--queue-url", "http://localhost:1/1/jobs.fifo", "--cron", str(path))
    with supervised(options=options, mode="sqsd", env=AWS) as run:
        assert run.status() == 78
        text = "\n".join(run.errors)
    for line in (4, 5, 6, 10):
        assert f"line {line} of {path}" in text, text
    assert 'schedule: "*/10 * * * *"' in text
    assert "Traceback" not in text


def another(task: Stage, env: dict[str, str] = AWS) -> AbstractContextManager[Run]:
    """Start one more daemon with the options of the first."""
    return supervised(options=task.words, env=env, mode="sqsd")
