"""Huey under the real supervisor, started as its users start it."""

from __future__ import annotations

import signal

import pytest

from tests.integrations.configuration import Job
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks.huey import PROCESSES, THREADS, Huey

BOTH_KINDS = pytest.mark.parametrize("huey", [THREADS, PROCESSES], ids=lambda each: each.name)


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
