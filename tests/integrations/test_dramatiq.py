"""Dramatiq under the real supervisor, started as its users start it."""

from __future__ import annotations

import dataclasses
import json
import signal
from typing import Any

import psutil
import pytest

from tests.integrations.configuration import Job
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks.dramatiq import CONFIGURATIONS, ON_REDIS, Dramatiq
from tests.integrations.worker import Worker

ALL = pytest.mark.parametrize("dramatiq", CONFIGURATIONS, ids=lambda each: each.name)


def until_all_attached(worker: Worker, dramatiq: Dramatiq) -> None:
    worker.until_attached()
    worker.until(lambda: len(worker.gates()) == dramatiq.processes, "every worker process is attached")


@ALL
def test_a_stop_lets_jobs_end_and_none_begin(
    dramatiq: Dramatiq, run_worker: Run, setting_for: SettingFor
) -> None:
    """Quiet is confirmed by every process, short and long jobs end, the rest stays in the queue, the status is 0."""
    setting = setting_for(dramatiq)
    worker = run_worker(dramatiq, setting)
    assert worker.until_attached(framework="dramatiq", gate=True)["about"].startswith("dramatiq Process-")
    until_all_attached(worker, dramatiq)
    dramatiq.enqueue(setting, [Job("short", 0.0)])
    worker.until_ended("short")
    running = [f"long{number}" for number in range(dramatiq.slots)]
    dramatiq.enqueue(setting, [Job(name, 3.0) for name in running])
    worker.until_started(*running)
    rest = [f"later{number}" for number in range(20)]
    dramatiq.enqueue(setting, [Job(name, 0.0) for name in rest])
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert worker.noted("quiet.confirmed", gates=dramatiq.processes)
    assert sorted(worker.ended()) == sorted(worker.started())
    # One process may have fetched more than it can run, while the other has a thread to spare for the rest.
    assert dramatiq.left(setting) == dict.fromkeys({"short", *running, *rest} - set(worker.ended()), "queue")


def test_it_is_busy_exactly_while_a_job_runs(run_worker: Run, setting_for: SettingFor) -> None:
    """After success, failure, retry and time limit nothing is held; a delayed message is held when it runs."""
    setting = setting_for(ON_REDIS)
    worker = run_worker(ON_REDIS, setting)
    until_all_attached(worker, ON_REDIS)
    ON_REDIS.send(setting, ("work", "good", 2.0))
    worker.until_busy(1)
    assert worker.holds()[0].startswith("work ")
    worker.until_protected()
    worker.until_idle()
    ON_REDIS.send(setting, ("work", "delayed", 0.0), delay=3000)
    ON_REDIS.send(setting, ("fail", "bad", 0.0), ("limited", "limited", 60.0))
    worker.until_started("bad", "limited")
    worker.until_idle()
    # The second try of the one and the first of the other wait in this worker, and nobody is busy with them.
    worker.until_started("delayed")
    worker.until(lambda: worker.started().count("bad") == 2, "it was tried again")
    worker.until(lambda: len(worker.held()) == 5, "each try was held")
    worker.until_idle()
    assert worker.ended() == ["good", "delayed"]


def test_prefetched_messages_go_back(run_worker: Run, setting_for: SettingFor) -> None:
    """What a quiet worker had fetched stands in the queue again while its jobs still run."""
    one = dataclasses.replace(ON_REDIS, processes=1)
    setting = setting_for(one)
    worker = run_worker(one, setting)
    until_all_attached(worker, one)
    one.enqueue(setting, [Job("long0", 4.0), Job("long1", 4.0)])
    worker.until_started("long0", "long1")
    one.enqueue(setting, [Job("fetched1", 0.0), Job("fetched2", 0.0)])
    worker.until(lambda: one.waiting(setting) == 0, "they are fetched")
    worker.send(signal.SIGTERM)
    worker.until(lambda: one.waiting(setting) == 2, "they are back")
    assert worker.ended() == []
    assert worker.status() == 0
    assert sorted(worker.ended()) == ["long0", "long1"]
    assert one.left(setting) == {"fetched1": "queue", "fetched2": "queue"}


def test_a_killed_main_process_leaves_no_process_that_fetches(
    run_worker: Run, setting_for: SettingFor
) -> None:
    """The worker processes shut their gates, finish their jobs, and end; the hold lasts as long as the job."""
    setting = setting_for(ON_REDIS)
    worker = run_worker(ON_REDIS, setting, stop_timeout=30)
    until_all_attached(worker, ON_REDIS)
    ON_REDIS.enqueue(setting, [Job("long", 4.0)])
    worker.until_busy(1)
    psutil.Process(worker.main_pid).kill()
    worker.until(lambda: any("has died; pool process" in line for line in worker.output), "it is noticed")
    ON_REDIS.enqueue(setting, [Job("later", 0.0)])
    assert worker.status() == 137
    assert worker.ended() == ["long"]
    assert ON_REDIS.left(setting) == {"later": "queue"}


def test_a_killed_worker_process_holds_nothing(run_worker: Run, setting_for: SettingFor) -> None:
    """Dramatiq then ends as a whole; no hold of the dead process outlives it."""
    setting = setting_for(ON_REDIS)
    worker = run_worker(ON_REDIS, setting)
    until_all_attached(worker, ON_REDIS)
    ON_REDIS.enqueue(setting, [Job("cut", 60.0)])
    worker.until_busy(1)
    psutil.Process(worker.lines()[-1].pid).kill()
    assert worker.status() != 0
    assert ON_REDIS.left(setting) == {"cut": "unacked, back after the heartbeat timeout"}


def test_a_job_hears_of_the_stop(run_worker: Run, setting_for: SettingFor) -> None:
    """In a worker process: stopping, and the seconds left."""
    setting = setting_for(ON_REDIS)
    worker = run_worker(ON_REDIS, setting)
    until_all_attached(worker, ON_REDIS)
    ON_REDIS.send(setting, ("notice", "listens"))
    worker.until_started("listens")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    noticed = recorded(worker, "noticed")
    assert noticed["stopping"] is True
    assert noticed["seconds_left"] > 0


def test_a_command_of_a_job_is_not_attached(run_worker: Run, setting_for: SettingFor) -> None:
    """It inherits the environment and imports Dramatiq's worker, and nothing is wrapped there."""
    setting = setting_for(ON_REDIS)
    worker = run_worker(ON_REDIS, setting)
    until_all_attached(worker, ON_REDIS)
    ON_REDIS.send(setting, ("command", "runs"))
    worker.until_ended("runs")
    assert recorded(worker, "command")["said"] == "False"


def test_settings_that_lose_or_delay_are_named(run_worker: Run, setting_for: SettingFor) -> None:
    """Prefetch, and the rare search for the messages of dead workers."""
    worker = run_worker(ON_REDIS, setting_for(ON_REDIS))
    worker.until_attached()
    worker.until(
        lambda: (
            {fact["setting"] for fact in worker.facts("AdviceGiven")}
            == {"maintenance_chance", "dramatiq_queue_prefetch"}
        ),
        "both are named",
    )


def recorded(worker: Worker, what: str) -> dict[str, Any]:
    """Return the one line with this word."""
    (line,) = (
        each for each in map(json.loads, worker.records.read_text().splitlines()) if each["what"] == what
    )
    return dict(line)
