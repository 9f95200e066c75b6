"""SQS in trouble for a while: keys that expire, throttling, a service that is away or hangs. It costs time and nothing else."""

from __future__ import annotations

import pytest

from supervisor.emulator.sqs.faults import Fault
from tests.process.gate import Gate
from tests.process.keys import Keys, credentials
from tests.rehearsals.conftest import surroundings as surroundings
from tests.rehearsals.deliveries import Stage, stage

pytestmark = pytest.mark.timeout(60)


def test_keys_that_expire_are_replaced() -> None:
    """The one in use is refused in the midst of a job: its message is extended and deleted with others, and polling goes on."""
    keys = Keys()
    with credentials(keys) as env, Gate() as gate:
        options = ("--endpoint-url", gate.url, "--visibility-timeout", "3")
        with stage(*options, surroundings=env) as task:
            gate.to(task.server.url)
            task.send("long", seconds=4)
            task.until_began("long")
            keys.is_stuck = True
            gate.expired = {f"KEY{number}" for number in range(keys.given + 1)}
            task.until(lambda: gate.refused >= 2, "calls are refused")
            keys.is_stuck = False
            task.send("next")
            task.until(task.is_empty, "all messages are deleted", limit=30)
            task.until(lambda: sorted(task.said("began")) == ["long", "next"], "each job has run once")
            assert not task.notes("delivery.possible_duplicate")
            assert_told(task, "expired")
            assert len(set(gate.keys)) >= 2


@pytest.mark.parametrize("fault", [Fault.THROTTLE, Fault.ERROR])
def test_a_service_that_asks_for_patience_gets_it(fault: Fault) -> None:
    """Each call fails for seconds, while jobs run and wait: every job runs once, and is deleted once."""
    with stage("--http-connections", "2") as task:
        for job in "abcd":
            task.send(job, seconds=1)
        task.until_began("a")
        task.server.faults.now_and_then(fault, 1.1)
        task.until(lambda: task.notes("delivery.not_deleted"), "a delete was refused")
        task.until(
            lambda: len(task.server.calls("ReceiveMessage", "DeleteMessage")) >= 8, "it is tried again"
        )
        task.server.faults.clear()
        task.until(task.is_empty, "all messages are deleted", limit=30)
        task.until(lambda: sorted(task.said("began")) == [*"abcd"], "each job has run once")
        assert set(task.server.history.counts("received").values()) == {1}
        assert_told(task)


def test_a_service_that_is_away_is_waited_for() -> None:
    """No connection is to be had; when it is back the job that was done meanwhile is deleted, and the next one comes."""
    with stage() as task:
        task.send("a", seconds=2)
        task.until_began("a")
        # Connections that are open would be served to their end.
        task.server.faults.now_and_then(Fault.CUT_BEFORE, 1.1)
        task.server.stop()
        task.until(lambda: task.notes("delivery.not_deleted"), "the delete could not be sent")
        task.until(lambda: task.notes("queue.trouble"), "trouble is told")
        task.server.faults.clear()
        task.server.start()
        task.send("b")
        task.until(task.is_empty, "all messages are deleted", limit=30)
        task.until(lambda: sorted(task.said("began")) == ["a", "b"], "each job has run once")
        assert_told(task)


@pytest.mark.parametrize("works", [False, True], ids=["idle", "at work"])
def test_a_stop_ends_in_time_while_the_service_hangs(works: bool) -> None:
    """Nobody answers the poll, nor the delete of a job that ends: both are named, and the exit is before the deadline."""
    with Gate() as gate, stage("--endpoint-url", gate.url, "--stop-timeout", "8", "--poll-wait", "1") as task:
        gate.to(task.server.url)
        task.run.until_noted("app.ready")
        if works:
            task.send("a", seconds=1)
            task.until_began("a")
        else:
            task.until_polling()
        gate.shut()
        status, seconds = task.run.timed_stop()
        assert status == 0
        assert seconds < 8
        assert bool(task.notes("deliveries.unsettled")) == works
        assert task.invisible() == works
        assert_told(task)


def assert_told(task: Stage, detail: str = "") -> None:
    """The trouble is in the log in a few lines, without a traceback and without a defect of ours."""
    assert "Traceback" not in "".join(task.run.errors)
    assert not {"bug.order_failed", "thread.failed", "bug.illegal_move"} & set(task.run.names())
    troubles = task.notes("queue.trouble")
    assert len(troubles) <= 2
    assert all(detail in told["detail"] for told in troubles)
