"""taskiq under the real supervisor, started as its users start it."""

from __future__ import annotations

import dataclasses
import signal

import psutil
import pytest

from tests.integrations.configuration import Job
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks.taskiq import CONFIGURATIONS, ON_STREAM, Taskiq

ALL = pytest.mark.parametrize("taskiq", CONFIGURATIONS, ids=lambda each: each.name)


@ALL
def test_functions_that_wait_for_a_thread_are_handed_back(
    taskiq: Taskiq, run_worker: Run, setting_for: SettingFor
) -> None:
    """With many slots and few threads most of what was fetched has not begun, and does not begin after the stop."""
    wide = dataclasses.replace(taskiq, words=("--max-threadpool-threads", "1", "--max-async-tasks", "20"))
    setting = setting_for(wide)
    worker = run_worker(wide, setting)
    worker.until_gates(wide.gates)
    names = [f"job{number}" for number in range(40)]
    wide.send(setting, *(("work_in_thread", name, 2.0) for name in names))
    worker.until(lambda: len(worker.started()) >= 2, "both threads work")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert sorted(worker.ended()) == sorted(worker.started())
    confirmed = worker.noted("quiet.confirmed")
    assert confirmed
    assert wide.left(setting) == dict.fromkeys(set(names) - set(worker.ended()), "queue")


@ALL
def test_it_is_busy_exactly_while_a_task_runs(
    taskiq: Taskiq, run_worker: Run, setting_for: SettingFor
) -> None:
    """After success, failure, retry and time limit nothing is held."""
    setting = setting_for(taskiq)
    worker = run_worker(taskiq, setting)
    worker.until_gates(taskiq.gates)
    taskiq.send(setting, ("work", "good", 2.0))
    worker.until_busy(1)
    assert worker.holds()[0].startswith("tasks:work ")
    worker.until_protected()
    worker.until_idle()
    taskiq.send(setting, ("fail", "bad", 0.0), retry_on_error="True")
    taskiq.send(setting, ("limited", "limited", 60.0), timeout="0.5")
    taskiq.send(setting, ("work", "last", 0.0))
    worker.until(lambda: worker.started().count("bad") == 2, "it was tried again")
    names = ["tasks:fail", "tasks:fail", "tasks:limited", "tasks:work", "tasks:work"]
    worker.until(lambda: sorted(about.split()[0] for about in worker.held()) == names, "each try was held")
    worker.until_idle()
    assert worker.ended() == ["good", "last"]


@ALL
def test_a_killed_worker_process_holds_nothing_and_is_replaced(
    taskiq: Taskiq, run_worker: Run, setting_for: SettingFor
) -> None:
    """Its hold ends with it; the process that taskiq starts in its place is attached as well."""
    setting = setting_for(taskiq)
    worker = run_worker(taskiq, setting)
    worker.until_gates(taskiq.gates)
    taskiq.enqueue(setting, [Job("cut", 60.0)])
    worker.until_busy(1)
    psutil.Process(worker.lines()[-1].pid).kill()
    worker.until_idle()
    worker.until_gates(taskiq.gates)
    taskiq.enqueue(setting, [Job("next", 0.0)])
    worker.until_ended("next")


def test_what_each_broker_can_lose_is_named(run_worker: Run, setting_for: SettingFor) -> None:
    """A stream's messages come back late after a SIGKILL."""
    worker = run_worker(ON_STREAM, setting_for(ON_STREAM))
    worker.until_attached()
    worker.until(
        lambda: [fact["setting"] for fact in worker.facts("AdviceGiven")][:1] == ["idle_timeout"],
        "it is named",
    )
