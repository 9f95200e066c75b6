"""Huey's gate and holds, moment by moment: real consumers under a supervisor that says what the test wants."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.integrations.configuration import Job
from tests.integrations.conftest import SettingFor
from tests.integrations.frameworks.huey import PROCESSES, PROCESSES_SQLITE, THREADS, THREADS_SQLITE, Huey
from tests.integrations.hooked import hooked
from tests.unit.hooks.fake_supervisor import FakeSupervisor

BOTH_KINDS = pytest.mark.parametrize("huey", [THREADS, PROCESSES], ids=lambda each: each.name)
BOTH_PROCESSES = pytest.mark.parametrize("huey", [PROCESSES, PROCESSES_SQLITE], ids=lambda each: each.name)


def test_int_is_graceful_also_where_the_user_has_asked_for_term(
    setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """With `-g TERM` Huey takes INT for `interrupt everything`; the hook lets both be graceful."""
    setting = setting_for(THREADS)
    with hooked(THREADS, setting, supervisor, "-g", "TERM") as worker:
        worker.until_attached()
        THREADS.enqueue(setting, [Job("runs", 1.0)])
        worker.until_started("runs")
        worker.process.send_signal(signal.SIGINT)
        assert worker.status() == 0
        assert worker.jobs("end") == ["runs"]


@pytest.mark.parametrize("huey", [THREADS, THREADS_SQLITE], ids=lambda each: each.name)
def test_a_task_whose_time_has_not_come_is_no_hold(
    huey: Huey, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """It is popped and moved to the schedule without a hold, and has one when it runs."""
    setting = setting_for(huey)
    with hooked(huey, setting, supervisor) as worker:
        worker.until_attached()
        huey.enqueue_call(setting, "work", "later", 0.0, delay=2)
        worker.until(
            lambda: huey.left(setting) == {"later": "scheduled, back at its time"},
            "it stands in the schedule",
        )
        assert worker.said("hold") == []
        worker.until_ended("later")
        worker.until_said("hold")
        assert [message["about"].split()[0] for message in worker.said("hold")] == ["work"]


@BOTH_PROCESSES
def test_a_killed_worker_process_takes_its_hold_with_it(
    huey: Huey, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """The task is gone, as without us; the hold too, and the other process goes on."""
    setting = setting_for(huey)
    with hooked(huey, setting, supervisor) as worker:
        worker.until_attached(2)
        huey.enqueue(setting, [Job("cut", 60.0)])
        worker.until(
            lambda: worker.jobs("start") and len(supervisor.open_holds()) == 1, "it runs and is held"
        )
        (running,) = (line.pid for line in worker.lines("start"))
        next(each for each in worker.others() if each.pid == running).kill()
        worker.until_nothing_held()
        huey.enqueue(setting, [Job("next", 0.0)])
        worker.until_ended("next")


@BOTH_PROCESSES
def test_the_processes_of_a_killed_consumer_end(
    huey: Huey, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """Workers and scheduler: what runs is finished, nothing more is fetched, and all say why they end."""
    setting = setting_for(huey)
    with hooked(huey, setting, supervisor) as worker:
        worker.until_attached(2)
        huey.enqueue(setting, [Job("running", 2.0)])
        worker.until_started("running")
        worker.process.kill()
        worker.process.wait()
        worker.until(
            lambda: worker.output.count("takes no more tasks and ends") >= 2,
            "scheduler and idle worker say so",
        )
        huey.enqueue(setting, [Job("waits", 0.0)])
        worker.until(lambda: worker.others() == [], "all have ended")
        assert worker.jobs("end") == ["running"]
        assert huey.left(setting) == {"waits": "queue"}


@BOTH_KINDS
def test_a_restart_by_hup_is_attached_again(
    huey: Huey, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """Huey executes itself anew with the same pid, and its environment has no claim any more but for the hook."""
    setting = setting_for(huey)
    with hooked(huey, setting, supervisor) as worker:
        worker.until_attached(huey.gates)
        # Huey sets its handlers when its workers have been started already.
        status = Path(f"/proc/{worker.process.pid}/status")
        worker.until(
            lambda: int(status.read_text().split("SigCgt:")[1].split()[0], 16) & 1, "it has a handler for HUP"
        )
        worker.process.send_signal(signal.SIGHUP)
        worker.until_attached(2 * huey.gates)
        worker.until(lambda: supervisor.connections <= huey.gates + 1, "the old connections have ended")
        huey.enqueue(setting, [Job("a", 0.0)])
        worker.until_ended("a")
        worker.until_said("hold")
        assert [message["about"].split()[0] for message in worker.said("hold")] == ["work"]
