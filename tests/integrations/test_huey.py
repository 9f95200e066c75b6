"""Huey under the real supervisor, started as its users start it."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from tests.integrations.configuration import Job
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks.huey import CONFIGURATIONS, PROCESSES, THREADS, Huey
from tests.integrations.worker import Worker

ALL = pytest.mark.parametrize("huey", CONFIGURATIONS, ids=lambda each: each.name)
BOTH_KINDS = pytest.mark.parametrize("huey", [THREADS, PROCESSES], ids=lambda each: each.name)


@ALL
def test_it_attaches_and_a_stop_lets_tasks_end_and_none_begin(
    huey: Huey, run_worker: Run, setting_for: SettingFor
) -> None:
    """The hook is heard of, quiet is confirmed, short and long task end, the rest stays in the queue, the status is 0."""
    setting = setting_for(huey)
    worker = run_worker(huey, setting)
    _until_gates(worker, huey)
    huey.enqueue(setting, [Job("short", 0.0)])
    worker.until_ended("short")
    huey.enqueue(setting, [Job("long0", 2.0), Job("long1", 2.0)])
    worker.until_started("long0", "long1")
    huey.enqueue(setting, [Job("later", 0.0), Job("last", 0.0)])
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert worker.noted("quiet.confirmed")
    assert sorted(worker.ended()) == sorted(worker.started()) == ["long0", "long1", "short"]
    assert huey.left(setting) == {"later": "queue", "last": "queue"}
    assert not [line for line in worker.lines() if line.what == "interrupted"]


@BOTH_KINDS
def test_a_stop_of_an_idle_consumer_is_short(huey: Huey, run_worker: Run, setting_for: SettingFor) -> None:
    """The gates are confirmed after the pop in hand, and INT follows; it needs no part of the drain to pass."""
    worker = run_worker(huey, setting_for(huey), stop_timeout=60)
    _until_gates(worker, huey)
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert worker.noted("quiet.confirmed")
    assert not worker.noted("quiet.unconfirmed")


@BOTH_KINDS
def test_it_is_busy_exactly_while_a_task_runs(huey: Huey, run_worker: Run, setting_for: SettingFor) -> None:
    """After success, failure and retry nothing is held; every run of a task was a hold by its name and id."""
    setting = setting_for(huey)
    worker = run_worker(huey, setting)
    worker.until_attached()
    huey.enqueue(setting, [Job("good", 1.0)])
    worker.until_busy()
    assert worker.holds()[0].startswith("work ")
    worker.until_protected()
    worker.until_ended("good")
    worker.until_idle()
    huey.enqueue_call(setting, "fail", "bad", 0.0)
    huey.enqueue_call(setting, "again", "second", 0.0)
    worker.until_ended("second")
    held = ["again", "again", "fail", "work"]
    worker.until(lambda: sorted(about.split()[0] for about in worker.held()) == held, "each run was held")
    worker.until_idle()


@BOTH_KINDS
def test_a_task_hears_of_the_stop(huey: Huey, run_worker: Run, setting_for: SettingFor) -> None:
    """In a thread as in a worker process: stopping, and the seconds left."""
    setting = setting_for(huey)
    worker = run_worker(huey, setting)
    worker.until_attached()
    huey.enqueue_call(setting, "notice", "listens")
    worker.until_started("listens")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    (noticed,) = (line for line in worker.records.read_text().splitlines() if '"noticed"' in line)
    assert '"stopping": true' in noticed
    assert '"seconds_left": null' not in noticed


@BOTH_KINDS
def test_a_task_that_outlives_everything_is_interrupted_before_the_kill(
    huey: Huey, run_worker: Run, setting_for: SettingFor
) -> None:
    """Huey sends its `interrupted` signal, in which an app may put the task back, and the consumer ends by itself."""
    setting = setting_for(huey)
    worker = run_worker(huey, setting, stop_timeout=8)
    worker.until_attached()
    huey.enqueue(setting, [Job("endless", 60.0)])
    worker.until_started("endless")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert [line.what for line in worker.lines()] == ["start", "interrupted"]


@BOTH_KINDS
def test_a_command_of_a_task_is_not_attached(huey: Huey, run_worker: Run, setting_for: SettingFor) -> None:
    """It inherits the environment and imports Huey's consumer, and nothing is wrapped there."""
    setting = setting_for(huey)
    worker = run_worker(huey, setting)
    worker.until_attached()
    huey.enqueue_call(setting, "command", "runs")
    worker.until_ended("runs")
    assert '"said": "False"' in worker.records.read_text()


def test_a_consumer_that_does_not_fit_is_left_alone(run_worker: Run, setting_for: SettingFor) -> None:
    """One warning with what is missing, no attachment, and the tasks run as without us."""
    setting = setting_for(THREADS)
    worker = run_worker(Huey("huey-strange", "thread", THREADS.broker, instance="strange.huey"), setting)
    THREADS.enqueue(setting, [Job("a", 0.0)])
    worker.until_ended("a")
    assert len([line for line in worker.output if "not as expected (no read_schedule)" in line]) == 1
    assert not worker.noted("hook.attached")
    worker.send(signal.SIGTERM)
    worker.status()


def test_the_rest_of_a_killed_consumer_ends_after_its_tasks(run_worker: Run, setting_for: SettingFor) -> None:
    """Its worker processes fetch nothing more; the supervisor lets the running task end, and tells of the kill."""
    setting = setting_for(PROCESSES)
    worker = run_worker(PROCESSES, setting)
    _until_gates(worker, PROCESSES)
    PROCESSES.enqueue(setting, [Job("running", 3.0)])
    worker.until_busy()
    os.kill(worker.main_pid, signal.SIGKILL)
    worker.until_noted("worker.exited")
    PROCESSES.enqueue(setting, [Job("waits", 0.0)])
    assert worker.status() == 137
    assert "waits" not in worker.started()
    assert PROCESSES.left(setting) == {"waits": "queue"}


@BOTH_KINDS
def test_a_consumer_whose_supervisor_was_killed_ends_when_its_tasks_have(
    huey: Huey, run_worker: Run, setting_for: SettingFor
) -> None:
    """Nobody would stop it in time any more: it fetches nothing, finishes, and goes, with all its processes."""
    setting = setting_for(huey)
    worker = run_worker(huey, setting)
    _until_gates(worker, huey)
    huey.enqueue(setting, [Job("running", 3.0)])
    worker.until_started("running")
    worker.until_busy()
    processes = psutil.Process(worker.pid).children(recursive=True)
    os.kill(worker.pid, signal.SIGKILL)
    worker.until(
        lambda: any("supervisor has died" in line for line in worker.output), "the worker has noticed"
    )
    worker.until(lambda: not any(each.is_running() for each in processes), "all have ended")
    assert worker.ended() == ["running"]


def _until_gates(worker: Worker, huey: Huey) -> None:
    """Threads share one gate; each process has its own."""
    worker.until_attached()
    count = huey.slots if huey.kind == "process" else 1
    worker.until(lambda: len(worker.gates()) == count, f"{count} gates are known")
