"""Dramatiq under the real supervisor, started as its users start it."""

from __future__ import annotations

import dataclasses
import signal

import psutil

from tests.integrations.configuration import Job
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks.dramatiq import ON_REDIS


def test_it_is_busy_exactly_while_a_job_runs(run_worker: Run, setting_for: SettingFor) -> None:
    """After success, failure, retry and time limit nothing is held; a delayed message is held when it runs."""
    setting = setting_for(ON_REDIS)
    worker = run_worker(ON_REDIS, setting)
    worker.until_gates(ON_REDIS.gates)
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
    worker.until_gates(one.gates)
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


def test_a_killed_worker_process_holds_nothing(run_worker: Run, setting_for: SettingFor) -> None:
    """Dramatiq then ends as a whole; no hold of the dead process outlives it."""
    setting = setting_for(ON_REDIS)
    worker = run_worker(ON_REDIS, setting)
    worker.until_gates(ON_REDIS.gates)
    ON_REDIS.enqueue(setting, [Job("cut", 60.0)])
    worker.until_busy(1)
    psutil.Process(worker.lines()[-1].pid).kill()
    assert worker.status() != 0
    assert ON_REDIS.left(setting) == {"cut": "unacked, back after the heartbeat timeout"}


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
