"""Celery under `run`, attached through -I: every pool and broker, what it says of its jobs, and what a stop leaves behind."""

from __future__ import annotations

import dataclasses
import os
import signal

import psutil
import pytest

from tests.integrations.configuration import APPS, Job
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks.celery import (
    CONFIGURATIONS,
    PREFORK,
    SOLO,
    THREADS,
    Celery,
    client,
)

ALL = pytest.mark.parametrize("celery", CONFIGURATIONS, ids=lambda each: each.name)
POOLS = pytest.mark.parametrize("celery", [PREFORK, THREADS, SOLO], ids=lambda each: each.name)
# Those whose loop goes on while jobs run, so that it hears of a revocation or fetches what has an ETA.
WITH_LOOP = pytest.mark.parametrize("celery", [PREFORK, THREADS], ids=lambda each: each.name)


@ALL
def test_it_attaches_and_the_task_is_busy_exactly_while_a_job_runs(
    celery: Celery, run_worker: Run, setting_for: SettingFor
) -> None:
    """The hold has the task's name and id, and protects the task until the job has ended."""
    setting = setting_for(celery)
    worker = run_worker(celery, setting, "--release-delay", "0.5")
    told = worker.until_attached(framework="celery")
    assert told["gate"] is True
    assert worker.holds() == []
    celery.enqueue(setting, [Job("a", 1.0)])
    worker.until_busy()
    worker.until_protected()
    worker.until_ended("a")
    worker.until_idle()
    worker.until_protected(False)
    assert worker.held() == ["tasks.work a"]


@POOLS
def test_failures_and_retries_end_their_holds(
    celery: Celery, run_worker: Run, setting_for: SettingFor
) -> None:
    """Each attempt is a hold of its own; between two attempts nobody is busy."""
    setting = setting_for(celery)
    worker = run_worker(celery, setting)
    worker.until_attached()
    celery.enqueue_call(setting, "fail", "broken", 0.1)
    celery.enqueue_call(setting, "again", "twice", 1.0)
    worker.until_ended("twice")
    # A record of the child may be there before its main process, and then the supervisor, has heard of the attempt.
    attempts = ["tasks.again twice", "tasks.again twice", "tasks.fail broken"]
    worker.until(lambda: sorted(worker.held()) == attempts, "each attempt was held")
    worker.until_idle()


@WITH_LOOP
def test_a_job_with_a_countdown_is_busy_only_when_it_runs(
    celery: Celery, run_worker: Run, setting_for: SettingFor
) -> None:
    """It is fetched at once, and is reserved until its time comes."""
    setting = setting_for(celery)
    worker = run_worker(celery, setting)
    worker.until_attached()
    celery.enqueue_call(setting, "work", "later", 0.5, countdown=4)
    worker.until(lambda: any(fact["count"] == 1 for fact in worker.facts("WorkReserved")), "it is reserved")
    assert worker.facts("HoldTaken") == []
    worker.until_ended("later")
    worker.until_idle()
    assert worker.held() == ["tasks.work later"]


def test_a_revoked_job_ends_its_hold(run_worker: Run, setting_for: SettingFor) -> None:
    """Its child is killed, and the task is idle again."""
    setting = setting_for(PREFORK)
    worker = run_worker(PREFORK, setting)
    worker.until_attached()
    PREFORK.enqueue(setting, [Job("endless", 600.0)])
    worker.until_started("endless")
    with client(setting) as app:
        app.control.revoke("endless", terminate=True)
    worker.until_idle()
    assert worker.ended() == []


def test_a_hard_time_limit_ends_the_hold(run_worker: Run, setting_for: SettingFor) -> None:
    """Its child is killed, and the task is idle again."""
    setting = setting_for(PREFORK)
    worker = run_worker(PREFORK, setting)
    worker.until_attached()
    PREFORK.enqueue_call(setting, "work", "endless", 600.0, time_limit=1)
    worker.until_started("endless")
    worker.until_idle()
    assert worker.ended() == []


@pytest.mark.parametrize("late", [False, True], ids=["early-ack", "late-ack"])
def test_a_killed_child_ends_its_hold(late: bool, run_worker: Run, setting_for: SettingFor) -> None:
    """Celery notices seconds later; the hold is gone before."""
    celery = dataclasses.replace(PREFORK, settings=(("task_acks_late", late),))
    setting = setting_for(celery)
    worker = run_worker(celery, setting)
    worker.until_attached()
    celery.enqueue(setting, [Job("killed", 600.0), Job("lives", 6.0)])
    worker.until_started("killed", "lives")
    worker.until_busy(2)
    (line,) = [line for line in worker.lines() if line.job == "killed"]
    os.kill(line.pid, signal.SIGKILL)
    worker.until_busy(1)
    assert worker.ended() == []
    worker.until_ended("lives")
    worker.until_idle()


def test_a_killed_main_process_leaves_nobody(run_worker: Run, setting_for: SettingFor) -> None:
    """Its children die with it, its holds end, and so does the task."""
    setting = setting_for(PREFORK)
    worker = run_worker(PREFORK, setting)
    worker.until_attached()
    PREFORK.enqueue(setting, [Job("a", 600.0)])
    worker.until_started("a")
    worker.until_busy()
    children = [each for each in worker.descendants if each.pid != worker.main_pid]
    os.kill(worker.main_pid, signal.SIGKILL)
    assert worker.status() == 137
    assert not [each for each in children if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


@ALL
def test_a_stop_ends_what_runs_and_begins_nothing_else(
    celery: Celery, run_worker: Run, setting_for: SettingFor
) -> None:
    """A short and a long job end; all that was fetched with them is in the queue again, and the status is 0."""
    setting = setting_for(celery)
    worker = run_worker(celery, setting, stop_timeout=30)
    worker.until_attached()
    running = [Job("long", 3.0), Job("short", 0.5)][: celery.slots]
    waiting = [Job(f"waits-{number}", 0.2) for number in range(12)]
    celery.enqueue(setting, running)
    worker.until_started(*(job.name for job in running))
    celery.enqueue(setting, waiting)
    celery.enqueue_call(setting, "work", "later", 0.2, countdown=600)
    before = set(worker.started())
    worker.send(signal.SIGTERM)
    confirmed = worker.until_noted("quiet.confirmed")
    assert confirmed["in_flight"] >= 1
    assert worker.status() == 0
    # With two slots the short one may have ended before the signal, and made room for one more.
    late = set(worker.started()) - before
    assert len(late) <= 1
    assert sorted(worker.started()) == sorted(worker.ended())
    expected = {job.name for job in waiting} - set(worker.started()) | {"later"}
    assert celery.left(setting) == dict.fromkeys(expected, "queue")
    assert worker.noted("worker.exited")[-1]["status"] == 0


def test_what_a_job_starts_does_not_attach(run_worker: Run, setting_for: SettingFor) -> None:
    """A command that imports Celery's worker, or is Celery's own, runs as without a supervisor."""
    setting = setting_for(PREFORK)
    worker = run_worker(PREFORK, setting)
    worker.until_attached()
    PREFORK.enqueue_call(setting, "command", "outer")
    worker.until_ended("outer")
    said = worker.recorded("command")
    assert (said["said"], said["status"], said["errors"]) == ("False", 0, "")
    assert len(worker.facts("HookAttached")) == 1


def test_settings_that_lose_jobs_are_told(run_worker: Run, setting_for: SettingFor) -> None:
    """One line each, with what to set; and none for what is set well."""
    worker = run_worker(PREFORK, setting_for(PREFORK))
    worker.until_attached()
    worker.until_noted("worker.advice", setting="task_acks_late")
    told = worker.until_noted("worker.advice", setting="worker_prefetch_multiplier")
    assert told["fix"] == "worker_disable_prefetch = True"
    assert len(worker.noted("worker.advice")) == 2


def test_good_settings_are_not_talked_about(run_worker: Run, setting_for: SettingFor) -> None:
    """There is nothing to advise."""
    good = (("task_acks_late", True), ("task_reject_on_worker_lost", True), ("worker_disable_prefetch", True))
    celery = dataclasses.replace(PREFORK, settings=good)
    setting = setting_for(celery)
    worker = run_worker(celery, setting)
    worker.until_attached()
    celery.enqueue(setting, [Job("a", 0.1)])
    worker.until_ended("a")
    assert worker.noted("worker.advice") == []


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        (
            "import celery.worker.state as s; s.task_ready.__defaults__ = ()",
            "is not built as its hook expects",
        ),
        ("import celery; celery.__version__ = '9.9.9'", "was not tested with its hook"),
    ],
    ids=["missing", "version"],
)
def test_a_celery_that_is_not_known_gets_one_warning_and_works(
    change: str,
    warning: str,
    run_worker: Run,
    setting_for: SettingFor,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """What does not fit is not attached; what only was not tested is."""
    folder = tmp_path_factory.mktemp("strange")
    (folder / "strange.py").write_text(change + "\n")
    setting = setting_for(SOLO)
    words = (*SOLO.command(setting), "-I", "strange")
    environ = {**SOLO.environ(setting), "PYTHONPATH": setting.python_path(APPS / "celery", folder)}
    if warning.startswith("is not"):
        # The job itself needs what is missing, so only the start is looked at.
        worker = run_worker(words, environ=environ, cwd=SOLO.app)
        worker.until(lambda: "ready." in "".join(worker.output), "it is ready")
        assert worker.facts("HookAttached") == []
    else:
        worker = run_worker(words, environ=environ, cwd=SOLO.app)
        worker.until_attached(version="9.9.9")
        SOLO.enqueue(setting, [Job("a", 0.1)])
        worker.until_ended("a")
    assert "".join(worker.output).count(warning) == 1
