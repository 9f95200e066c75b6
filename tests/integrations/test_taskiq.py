"""taskiq under the real supervisor, started as its users start it."""

from __future__ import annotations

import dataclasses
import json
import signal
from typing import Any

import psutil
import pytest

from tests.integrations.configuration import Job
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks.taskiq import CONFIGURATIONS, ON_LIST, ON_STREAM, Taskiq
from tests.integrations.worker import Worker

ALL = pytest.mark.parametrize("taskiq", CONFIGURATIONS, ids=lambda each: each.name)


def until_all_attached(worker: Worker, taskiq: Taskiq) -> None:
    worker.until_attached()
    worker.until(lambda: len(worker.gates()) == taskiq.processes, "every worker process is attached")


@ALL
def test_a_stop_lets_tasks_end_and_none_begin(
    taskiq: Taskiq, run_worker: Run, setting_for: SettingFor
) -> None:
    """Quiet is confirmed by every process, short and long tasks end, nothing is left pending, the status is 0."""
    setting = setting_for(taskiq)
    worker = run_worker(taskiq, setting)
    assert worker.until_attached(framework="taskiq", gate=True)["about"].startswith("taskiq worker-")
    until_all_attached(worker, taskiq)
    taskiq.enqueue(setting, [Job("short", 0.0)])
    worker.until_ended("short")
    running = [f"long{number}" for number in range(taskiq.slots)]
    # One at a time: a process that reads a stream ahead would take them all.
    for name in running:
        taskiq.enqueue(setting, [Job(name, 4.0)])
    worker.until(lambda: len(worker.holds()) >= 2, "tasks run")
    rest = [f"later{number}" for number in range(50)]
    taskiq.enqueue(setting, [Job(name, 4.0) for name in rest])
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert worker.noted("quiet.confirmed", gates=taskiq.processes)
    assert sorted(worker.ended()) == sorted(worker.started())
    waiting = {"short", *running, *rest} - set(worker.ended())
    assert taskiq.left(setting) == dict.fromkeys(waiting, "queue")
    assert len(worker.started()) == len(set(worker.started()))


@ALL
def test_functions_that_wait_for_a_thread_are_handed_back(
    taskiq: Taskiq, run_worker: Run, setting_for: SettingFor
) -> None:
    """With many slots and few threads most of what was fetched has not begun, and does not begin after the stop."""
    wide = dataclasses.replace(taskiq, words=("--max-threadpool-threads", "1", "--max-async-tasks", "20"))
    setting = setting_for(wide)
    worker = run_worker(wide, setting)
    until_all_attached(worker, wide)
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
    until_all_attached(worker, taskiq)
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
def test_a_killed_main_process_leaves_no_process_that_fetches(
    taskiq: Taskiq, run_worker: Run, setting_for: SettingFor
) -> None:
    """The worker processes shut their gates, finish their tasks, and end."""
    setting = setting_for(taskiq)
    worker = run_worker(taskiq, setting, stop_timeout=30)
    until_all_attached(worker, taskiq)
    taskiq.enqueue(setting, [Job("long", 4.0)])
    worker.until_busy(1)
    psutil.Process(worker.main_pid).kill()
    worker.until(lambda: any("has died; pool process" in line for line in worker.output), "it is noticed")
    taskiq.enqueue(setting, [Job("later", 0.0)])
    assert worker.status() == 137
    assert worker.ended() == ["long"]
    assert taskiq.left(setting) == {"later": "queue"}


@ALL
def test_a_killed_worker_process_holds_nothing_and_is_replaced(
    taskiq: Taskiq, run_worker: Run, setting_for: SettingFor
) -> None:
    """Its hold ends with it; the process that taskiq starts in its place is attached as well."""
    setting = setting_for(taskiq)
    worker = run_worker(taskiq, setting)
    until_all_attached(worker, taskiq)
    taskiq.enqueue(setting, [Job("cut", 60.0)])
    worker.until_busy(1)
    psutil.Process(worker.lines()[-1].pid).kill()
    worker.until_idle()
    until_all_attached(worker, taskiq)
    taskiq.enqueue(setting, [Job("next", 0.0)])
    worker.until_ended("next")


@pytest.mark.parametrize("taskiq", [ON_LIST], ids=lambda each: each.name)
def test_a_task_hears_of_the_stop(taskiq: Taskiq, run_worker: Run, setting_for: SettingFor) -> None:
    """In the event loop of a worker process: stopping, and the seconds left."""
    setting = setting_for(taskiq)
    worker = run_worker(taskiq, setting)
    until_all_attached(worker, taskiq)
    taskiq.send(setting, ("notice", "listens"))
    worker.until_started("listens")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    noticed = recorded(worker, "noticed")
    assert noticed["stopping"] is True
    assert noticed["seconds_left"] > 0


def test_a_command_of_a_task_is_not_attached(run_worker: Run, setting_for: SettingFor) -> None:
    """It inherits the environment and imports taskiq's receiver, and nothing is wrapped there."""
    setting = setting_for(ON_LIST)
    worker = run_worker(ON_LIST, setting)
    until_all_attached(worker, ON_LIST)
    ON_LIST.send(setting, ("command", "runs"))
    worker.until_ended("runs")
    assert recorded(worker, "command")["said"] == "False"


def test_what_each_broker_can_lose_is_named(run_worker: Run, setting_for: SettingFor) -> None:
    """A stream's messages come back late after a SIGKILL."""
    worker = run_worker(ON_STREAM, setting_for(ON_STREAM))
    worker.until_attached()
    worker.until(
        lambda: [fact["setting"] for fact in worker.facts("AdviceGiven")][:1] == ["idle_timeout"],
        "it is named",
    )


def recorded(worker: Worker, what: str) -> dict[str, Any]:
    """Return the one line with this word."""
    (line,) = (
        each for each in map(json.loads, worker.records.read_text().splitlines()) if each["what"] == what
    )
    return dict(line)
