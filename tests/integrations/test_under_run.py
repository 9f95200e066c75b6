"""What holds for every hook under the real supervisor: its notices to jobs, whom it leaves alone, and how a worker ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from tests.integrations.configuration import Attachable, InPython, Job, Setting
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks import (
    ARQ,
    ARQ_PATIENT,
    CELERY,
    DRAMATIQ,
    ELSEWHERE,
    HUEY,
    IN_PYTHON,
    RQ,
    TASKIQ,
)
from tests.integrations.worker import Worker

EACH = pytest.mark.parametrize("configuration", [*IN_PYTHON, *ELSEWHERE], indirect=True)
# A pool's member is a worker like any other; what the broker is makes no difference inside a job.
EACH_KIND = pytest.mark.parametrize(
    "configuration", [*CELERY[:3], *RQ[:3], DRAMATIQ[0], *HUEY[:2], *ARQ, *TASKIQ], indirect=True
)
# Celery has a story of its own, of what it has fetched.
BUT_CELERY = pytest.mark.parametrize(
    "configuration", [*RQ, *DRAMATIQ, *HUEY, *ARQ, ARQ_PATIENT, *TASKIQ, *ELSEWHERE], indirect=True
)
# Those whose main process runs no job; Celery's children die with it, and RQ's pool has its own story.
WITH_PROCESSES = pytest.mark.parametrize(
    "configuration", [DRAMATIQ[0], *TASKIQ, "huey-processes-redis"], indirect=True
)

# Those whose limit for their own shutdown is set by the hook.
LIMITED = pytest.mark.parametrize(
    "configuration", [DRAMATIQ[0], *ARQ, "taskiq-stream", *ELSEWHERE], indirect=True
)

RunGated = Callable[..., tuple[Setting, Worker]]


@pytest.fixture
def run_gated(configuration: Attachable, run_worker: Run, setting_for: SettingFor) -> RunGated:
    """Return a function that starts the configuration's worker, and returns when all its gates are known."""

    def start(*options: str, **keywords: Any) -> tuple[Setting, Worker]:
        setting = setting_for(configuration)
        worker = run_worker(configuration, setting, *options, **keywords)
        worker.until_gates(configuration.gates)
        return setting, worker

    return start


@BUT_CELERY
def test_a_stop_lets_jobs_end_and_none_begin(configuration: Attachable, run_gated: RunGated) -> None:
    """Every gate is confirmed, short and long jobs end, the rest stays in the queue, the status is 0."""
    setting, worker = run_gated()
    configuration.enqueue(setting, [Job("short", 0.0)])
    worker.until_ended("short")
    running = [f"long{number}" for number in range(configuration.slots)]
    # One at a time: a process that reads ahead would take them all.
    for name in running:
        configuration.enqueue(setting, [Job(name, 4.0)])
    worker.until(lambda: len(worker.holds()) >= min(2, configuration.slots), "jobs run")
    rest = [f"later{number}" for number in range(20)]
    configuration.enqueue(setting, [Job(name, 2.0) for name in rest])
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert worker.noted("quiet.confirmed", gates=configuration.gates)
    assert sorted(worker.ended()) == sorted(set(worker.started())) == sorted(worker.started())
    waiting = {"short", *running, *rest} - set(worker.ended())
    assert len(waiting) >= len(rest) - 2 * configuration.slots
    assert configuration.left(setting) == dict.fromkeys(waiting, "queue")


@EACH
def test_an_idle_worker_stops_at_once(configuration: Attachable, run_gated: RunGated) -> None:
    """The gates are confirmed, the stop signal follows, and no part of the drain has to pass."""
    _, worker = run_gated(stop_timeout=60)
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert worker.noted("quiet.confirmed", gates=configuration.gates)
    assert not worker.noted("quiet.unconfirmed")


@EACH_KIND
def test_a_job_hears_of_the_stop(configuration: InPython, run_gated: RunGated) -> None:
    """In a thread, an event loop, a fork or a child process: stopping, and the seconds left."""
    setting, worker = run_gated()
    configuration.enqueue_call(setting, "notice", "listens")
    worker.until_started("listens")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    noticed = worker.recorded("noticed")
    assert noticed["stopping"] is True
    assert 0 < noticed["seconds_left"] <= 15


@EACH_KIND
def test_a_command_of_a_job_is_not_attached(configuration: InPython, run_gated: RunGated) -> None:
    """It inherits the environment and imports the framework's worker, and nothing is wrapped there."""
    setting, worker = run_gated()
    configuration.enqueue_call(setting, "command", "runs")
    worker.until_ended("runs")
    assert worker.recorded("command")["said"] == "False"
    assert len(worker.gates()) == configuration.gates


@EACH
def test_a_worker_whose_supervisor_was_killed_ends_when_its_jobs_have(
    configuration: Attachable, run_gated: RunGated
) -> None:
    """Nobody would stop it in time any more: it fetches nothing, finishes, and goes, with all its processes."""
    setting, worker = run_gated()
    attached = {fact["holder"] for fact in worker.facts("HookAttached")}
    configuration.enqueue(setting, [Job("running", 3.0)])
    worker.until_started("running")
    worker.until(worker.holds, "it is held")
    # Some have titles that overwrite what the harness finds processes by.
    processes = psutil.Process(worker.pid).children(recursive=True)
    os.kill(worker.pid, signal.SIGKILL)
    worker.until(
        lambda: any("supervisor has died" in line for line in worker.output), "the worker has noticed"
    )
    configuration.enqueue(setting, [Job("waits", 0.0)])
    worker.until(lambda: not any(each.is_running() for each in processes), "all have ended")
    # Where there are several processes, another one may notice a second later, and begin one more until then.
    assert len(attached) > 1 or worker.started() == ["running"]
    assert sorted(worker.ended()) == sorted(worker.started())
    assert "running" in worker.ended()
    assert configuration.left(setting) == dict.fromkeys({"running", "waits"} - set(worker.started()), "queue")


@EACH_KIND
def test_a_supervisor_that_is_killed_in_the_drain_leaves_no_worker_that_idles(
    configuration: InPython, run_gated: RunGated
) -> None:
    """The stop had begun, and nobody had asked the worker to exit: it does so by itself when its job has ended."""
    setting, worker = run_gated()
    configuration.enqueue(setting, [Job("running", 3.0)])
    worker.until_started("running")
    worker.until(worker.holds, "it is held")
    processes = psutil.Process(worker.pid).children(recursive=True)
    worker.send(signal.SIGTERM)
    worker.until(lambda: worker.noted("quiet.confirmed"), "its gates are shut")
    os.kill(worker.pid, signal.SIGKILL)
    worker.until(lambda: not any(each.is_running() for each in processes), "all have ended")
    assert (worker.started(), worker.ended()) == (["running"], ["running"])


@LIMITED
def test_a_supervisor_that_is_killed_after_the_stop_signal_cuts_no_job(
    configuration: Attachable, run_gated: RunGated
) -> None:
    """The framework's limit was there for a SIGKILL that nobody sends any more; no second stop signal is sent, either."""
    setting, worker = run_gated("--stop-sequence", "TERM 6 KILL", stop_timeout=8)
    configuration.enqueue(setting, [Job("long", 9.0)])
    worker.until_started("long")
    processes = psutil.Process(worker.pid).children(recursive=True)
    worker.send(signal.SIGTERM)
    # The stop signal is sent first; a supervisor that dies before it could say so is not what is tried here.
    worker.until(lambda: len(worker.facts("GateShut")) == configuration.gates, "every hook knows of it")
    os.kill(worker.pid, signal.SIGKILL)
    worker.until(lambda: not any(each.is_running() for each in processes), "all have ended")
    assert (worker.started(), worker.ended()) == (["long"], ["long"])


@WITH_PROCESSES
def test_a_killed_main_process_leaves_no_process_that_fetches(
    configuration: Attachable, run_gated: RunGated
) -> None:
    """The others shut their gates, finish their jobs, and end; the supervisor waits for that, and tells of the kill."""
    setting, worker = run_gated(stop_timeout=30)
    configuration.enqueue(setting, [Job("long", 4.0)])
    worker.until_busy(1)
    os.kill(worker.main_pid, signal.SIGKILL)
    worker.until(lambda: any("has died; " in line for line in worker.output), "it is noticed")
    configuration.enqueue(setting, [Job("later", 0.0)])
    assert worker.status() == 137
    assert worker.ended() == worker.started() == ["long"]
    assert configuration.left(setting) == {"later": "queue"}
