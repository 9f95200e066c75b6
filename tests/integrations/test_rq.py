"""RQ under the real supervisor, started as its users start it."""

from __future__ import annotations

import datetime
import os
import signal

import psutil
import pytest
from rq import Retry

from tests.integrations.configuration import Job
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks.rq import FORK, POOL, SIMPLE, SPAWN, Rq, queue
from tests.integrations.records import read_lines

WITH_HORSE = pytest.mark.parametrize("rq", [FORK, SPAWN], ids=lambda each: each.name)
SINGLE = pytest.mark.parametrize("rq", [FORK, SIMPLE, SPAWN], ids=lambda each: each.name)


@SINGLE
def test_it_is_busy_exactly_while_a_job_runs(rq: Rq, run_worker: Run, setting_for: SettingFor) -> None:
    """After success, failure, retry and time limit nothing is held; a scheduled job is held when it runs."""
    setting = setting_for(rq)
    worker = run_worker(rq, setting)
    worker.until_attached()
    rq.enqueue_call(setting, "work", "good", 1.0)
    worker.until(lambda: set(worker.holds()) == {"tasks.work good"}, "the job is held")
    worker.until_protected()
    worker.until_ended("good")
    worker.until_idle()
    rq.enqueue_call(setting, "fail", "bad", 0.0)
    rq.enqueue_call(setting, "fail", "again", 0.0, retry=Retry(max=1))
    rq.enqueue_call(setting, "work", "limited", 60.0, job_timeout=1)
    rq.enqueue_call(setting, "work", "last", 0.0)
    failed = ["bad", "again", "again"]
    worker.until(
        lambda: [line.job for line in worker.lines() if line.what == "failed"] == failed, "it is retried"
    )
    worker.until_ended("last")
    names = {"good", "bad", "again", "limited", "last"}
    worker.until(lambda: {about.split()[1] for about in worker.held()} == names, "each was held")
    worker.until_idle()


def test_scheduled_jobs_and_a_scheduler_keep_nobody_busy(run_worker: Run, setting_for: SettingFor) -> None:
    """A job that waits for its time is no hold; with --with-scheduler it becomes one when it runs."""
    setting = setting_for(FORK)
    worker = run_worker(Rq("rq-scheduler", ("worker", "--with-scheduler")), setting)
    worker.until_attached()
    FORK.enqueue(setting, [Job("now", 0.0)])
    worker.until_ended("now")
    with queue(setting) as jobs:
        jobs.enqueue_in(datetime.timedelta(seconds=2), "tasks.work", "later", 0.0, job_id="later")
    worker.until_idle()
    worker.until_ended("later")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0


@WITH_HORSE
def test_a_killed_horse_ends_its_hold_and_the_next_job_runs(
    rq: Rq, run_worker: Run, setting_for: SettingFor
) -> None:
    """RQ fails the job; parent and horse let go, and the worker works on."""
    setting = setting_for(rq)
    worker = run_worker(rq, setting)
    worker.until_attached()
    rq.enqueue(setting, [Job("cut", 60.0)])
    worker.until_started("cut")
    worker.until_busy(1)
    os.kill(worker.lines()[-1].pid, signal.SIGKILL)
    worker.until_idle()
    rq.enqueue(setting, [Job("next", 0.0)])
    worker.until_ended("next")
    worker.until_idle()


def test_a_killed_member_of_a_pool_leaves_its_job_protected(run_worker: Run, setting_for: SettingFor) -> None:
    """The pool starts another member; the horse finishes as an orphan, held until its end."""
    setting = setting_for(POOL)
    worker = run_worker(POOL, setting)
    worker.until_gates(2)
    POOL.enqueue_call(setting, "parent", "orphan", 4.0)
    worker.until(lambda: any(line.what == "parent" for line in worker.lines()), "it runs")
    horse = next(line.pid for line in worker.lines() if line.what == "start")
    psutil.Process(horse).parent().kill()  # type: ignore[union-attr]
    worker.until_busy(1)
    worker.until_gates(2)
    worker.until_ended("orphan")
    worker.until_idle()
    worker.send(signal.SIGTERM)
    assert worker.status() == 0


@pytest.mark.parametrize("by_variable", [False, True], ids=["-w", "RQ_WORKER_CLASS"])
def test_the_users_own_worker_class_works_and_is_hooked(
    by_variable: bool, run_worker: Run, setting_for: SettingFor
) -> None:
    """Whether it is named on the command line or in the environment."""
    setting = setting_for(FORK)
    words = ("worker",) if by_variable else ("worker", "-w", "workers.Own")
    environ = {"RQ_WORKER_CLASS": "workers.Own"} if by_variable else {}
    worker = run_worker(Rq("rq-own", words), setting, environ=environ)
    worker.until_attached(gate=True)
    FORK.enqueue(setting, [Job("a", 1.0)])
    worker.until_busy(1)
    worker.until_ended("a")
    worker.until_idle()
    assert [line.what for line in worker.lines()] == ["own", "start", "end"]


def test_a_worker_that_does_not_fit_is_left_alone(run_worker: Run, setting_for: SettingFor) -> None:
    """One warning with what is missing, no attachment, and the jobs run as without us."""
    setting = setting_for(FORK)
    FORK.enqueue(setting, [Job("a", 0.0), Job("b", 0.0)])
    worker = run_worker(Rq("rq-strange", ("worker", "--burst", "-w", "workers.Strange")), setting)
    assert worker.status() == 0
    assert worker.ended() == ["a", "b"]
    assert len([line for line in worker.output if "not as expected (no _shutdown)" in line]) == 1
    assert not worker.noted("hook.attached")


def test_a_killed_worker_is_told_by_its_signal(run_worker: Run, setting_for: SettingFor) -> None:
    """The supervisor's end does not cut the orphaned horse before the drain has."""
    setting = setting_for(FORK)
    worker = run_worker(FORK, setting)
    worker.until_attached()
    FORK.enqueue(setting, [Job("orphan", 3.0)])
    worker.until_started("orphan")
    os.kill(worker.main_pid, signal.SIGKILL)
    assert worker.status() == 137
    assert [line.what for line in read_lines(setting.records)] == ["start", "end"]


def test_no_job_is_between_the_lists(run_worker: Run, setting_for: SettingFor) -> None:
    """Stops under a stream of the shortest jobs, by the supervisor: whatever was started has ended, the rest waits."""
    setting = setting_for(SIMPLE)
    names = [f"job{number}" for number in range(2000)]
    SIMPLE.enqueue(setting, [Job(name, 0.0) for name in names])
    worker = run_worker(SIMPLE, setting)
    worker.until(lambda: len(worker.ended()) > 50, "jobs run")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert sorted(worker.started()) == sorted(worker.ended())
    assert sorted([*worker.ended(), *SIMPLE.left(setting)]) == sorted(names)
