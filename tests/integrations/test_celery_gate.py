"""Celery's gate and holds, moment by moment: real workers under a supervisor that says what the test wants."""

from __future__ import annotations

import dataclasses
import signal
import time
from typing import Any

import pytest

from tests.integrations.brokers import Broker, redis_call
from tests.integrations.configuration import Job, Setting
from tests.integrations.conftest import SettingFor
from tests.integrations.frameworks.celery import CONFIGURATIONS, PREFORK, SOLO, THREADS, Celery, client
from tests.integrations.hooked import hooked
from tests.unit.hooks.fake_supervisor import FakeSupervisor

ALL = pytest.mark.parametrize("celery", CONFIGURATIONS, ids=lambda each: each.name)
POOLS = pytest.mark.parametrize("celery", [PREFORK, THREADS, SOLO], ids=lambda each: each.name)


@ALL
def test_what_is_fetched_goes_back_at_quiet_and_runs_after_it_in_its_order(
    celery: Celery, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """Nothing begins after the confirmation; what waited in the worker is in the queue before its jobs have ended."""
    setting = setting_for(celery)
    with hooked(celery, setting, supervisor) as worker:
        worker.until_attached()
        running = [Job(f"r{number}", 3.0) for number in range(celery.slots)]
        celery.enqueue(setting, running)
        worker.until(lambda: len(worker.jobs("start")) == celery.slots, "all slots are taken")
        names = [f"w{number}" for number in range(6)]
        celery.enqueue(setting, [Job(name, 0.05) for name in names])
        celery.enqueue_call(setting, "work", "later", 0.05, countdown=600)
        if celery.pool != "solo":
            worker.until(
                lambda: any(said["count"] >= 7 for said in worker.said("reserved")), "they are fetched"
            )
        worker.quiet()
        worker.until(lambda: celery.waiting(setting) == 7, "all are in the queue again")
        worker.until(lambda: len(worker.jobs("end")) == celery.slots, "what ran has ended")
        worker.until_nothing_held()
        assert celery.waiting(setting) == 7
        assert len(worker.jobs("start")) == celery.slots
        worker.resume()
        worker.until(lambda: len(worker.jobs("end")) == celery.slots + 6, "the others have run")
        if celery.slots == 1:
            assert worker.jobs("start")[1:] == names
        assert sorted(worker.jobs("start")) == sorted({*names, *(job.name for job in running)})
        worker.until_gates("open")


@POOLS
def test_quiet_and_resume_many_times_lose_nothing(
    celery: Celery, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """Under a stream of tiny jobs: nothing starts between the confirmation and the resume, and every job runs once."""
    setting = setting_for(celery)
    names = [f"job{number}" for number in range(600)]
    celery.enqueue(setting, [Job(name, 0.01) for name in names])
    with hooked(celery, setting, supervisor) as worker:
        worker.until_attached()
        for round_ in range(8):
            worker.until(lambda least=5 + 10 * round_: len(worker.jobs("end")) > least, "jobs run")
            worker.quiet()
            worker.until_nothing_held()
            begun = worker.jobs("start")
            rest = 600 - len(begun)
            worker.until(lambda rest=rest: celery.waiting(setting) == rest, "the rest is in the queue")
            assert worker.jobs("start") == begun
            worker.resume()
        worker.until(lambda: len(worker.jobs("end")) == 600, "all have run")
        assert sorted(worker.jobs("start")) == sorted(names)


@POOLS
def test_a_job_waits_for_its_answer_before_it_begins(
    celery: Celery, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """Under `protect before-start` nothing begins without an answer, as long as one is worth waiting for."""
    setting = setting_for(celery)
    celery.enqueue(setting, [Job("a", 0.0)])
    with hooked(celery, setting, supervisor, environ={"ECS_SUPERVISOR_HOLD_WAIT": "4"}) as worker:
        worker.until(lambda: worker.said("hold"), "it was asked")
        asked_at = time.monotonic()
        worker.until_ended("a")
        assert worker.lines("start")[0].at - asked_at > 3


@POOLS
def test_a_broker_that_dies_keeps_no_hold_and_no_gate(
    celery: Celery, setting: Setting, own_redis_server: Broker, supervisor: FakeSupervisor
) -> None:
    """Without a broker a job's end is seen, quiet is confirmed, and the next connection fetches nothing until the resume."""
    setting = dataclasses.replace(setting, broker=own_redis_server.url)
    with hooked(celery, setting, supervisor) as worker:
        worker.until_attached()
        celery.enqueue(setting, [Job("running", 2.0)])
        worker.until_started("running")
        if celery.pool != "solo":
            # Celery 5.7 ends with an "Unrecoverable error" where a message is unacknowledged when Redis dies.
            worker.until(lambda: redis_call(setting.broker, "HLEN", "unacked") == "0", "it is acknowledged")
        own_redis_server.kill()
        worker.until_ended("running")
        worker.until_nothing_held()
        worker.quiet()
        own_redis_server.restart()
        celery.enqueue(setting, [Job("waits", 0.0)])
        with client(setting) as app:
            worker.until(lambda: app.control.ping(timeout=1.0), "its loop has a connection again")
        # Solo acknowledges on its loop, after the job: without a broker that never arrives, and the job comes again.
        assert celery.waiting(setting) >= 1
        assert worker.jobs("start") == ["running"]
        worker.resume()
        worker.until(lambda: "waits" in worker.jobs("end"), "it fetches again")


@POOLS
def test_term_ends_a_worker_without_a_broker(
    celery: Celery, setting: Setting, own_redis_server: Broker, supervisor: FakeSupervisor
) -> None:
    """Quiet is confirmed while it tries to connect, and TERM ends it."""
    setting = dataclasses.replace(setting, broker=own_redis_server.url)
    with hooked(celery, setting, supervisor) as worker:
        worker.until_attached()
        worker.until(lambda: "ready." in worker.output, "it is ready")
        own_redis_server.kill()
        worker.until(lambda: "Trying again in" in worker.output, "it tries to connect")
        worker.quiet()
        worker.process.send_signal(signal.SIGTERM)
        assert worker.status() == 0


@POOLS
def test_a_worker_that_never_saw_a_broker_is_attached_and_ends(
    celery: Celery, setting: Setting, own_redis_server: Broker, supervisor: FakeSupervisor
) -> None:
    """The hook is heard of before there is a connection, and does not wait for one."""
    own_redis_server.kill()
    setting = dataclasses.replace(setting, broker=own_redis_server.url)
    with hooked(celery, setting, supervisor) as worker:
        worker.until_attached()
        worker.quiet()
        worker.process.send_signal(signal.SIGTERM)
        assert worker.status() == 0


def test_a_rate_limited_job_goes_back_too(setting_for: SettingFor, supervisor: FakeSupervisor) -> None:
    """What waits in Celery's token bucket has not begun."""
    limit: tuple[tuple[str, Any], ...] = (("task_annotations", {"tasks.work": {"rate_limit": "1/m"}}),)
    celery = dataclasses.replace(PREFORK, settings=limit)
    setting = setting_for(celery)
    with hooked(celery, setting, supervisor) as worker:
        worker.until_attached()
        celery.enqueue(setting, [Job(name, 0.0) for name in ("a", "b", "c")])
        worker.until_ended("a")
        worker.quiet()
        worker.until(lambda: celery.waiting(setting) == 2, "the others are in the queue")


def test_remote_control_does_not_open_the_gate(setting_for: SettingFor, supervisor: FakeSupervisor) -> None:
    """`add_consumer` while the gate is shut is heard, and consumes after the resume."""
    setting = setting_for(PREFORK)
    with hooked(PREFORK, setting, supervisor) as worker:
        worker.until(lambda: "ready." in worker.output, "it is ready")
        worker.quiet()
        PREFORK.enqueue(setting, [Job("waits", 0.0)])
        with client(setting) as app:
            assert app.control.add_consumer("other", reply=True, timeout=10)
            app.send_task("tasks.work", ("other", 0.0), queue="other")
        assert PREFORK.waiting(setting) == 1
        worker.resume()
        worker.until(lambda: sorted(worker.jobs("end")) == ["other", "waits"], "both queues are consumed")


def test_a_pool_that_was_not_tested_has_holds_but_no_gate(
    setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """It says so in one line."""
    setting = setting_for(SOLO)
    celery = dataclasses.replace(SOLO, pool="custom")
    environ = {"CELERY_CUSTOM_WORKER_POOL": "pools:Own"}
    with hooked(celery, setting, supervisor, environ=environ) as worker:
        worker.until(
            lambda: worker.said("hello") and worker.said("hello")[0].get("framework"), "it is attached"
        )
        SOLO.enqueue(setting, [Job("a", 0.5)])
        worker.until(lambda: supervisor.open_holds() == ["tasks.work a"], "it is held")
        worker.until_nothing_held()
        assert worker.gates() == {}
        assert worker.output.count("is not one that was tested") == 1


def test_spawned_children_need_nothing_of_ours(setting_for: SettingFor, supervisor: FakeSupervisor) -> None:
    """They are fresh interpreters, which import what the worker includes."""
    celery = dataclasses.replace(PREFORK, settings=(("worker_pool_start_method", "spawn"),))
    setting = setting_for(celery)
    with hooked(celery, setting, supervisor) as worker:
        worker.until_attached()
        celery.enqueue(setting, [Job("a", 0.5)])
        worker.until(lambda: supervisor.open_holds() == ["tasks.work a"], "it is held")
        worker.until_nothing_held()
        assert worker.jobs("end") == ["a"]


def test_a_worker_that_restarts_itself_is_attached_again(
    setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """HUP executes the same command anew, with the same number and what is left of the environment."""
    setting = setting_for(PREFORK)
    with hooked(PREFORK, setting, supervisor) as worker:
        worker.until(lambda: "ready." in worker.output, "it is ready")
        worker.process.send_signal(signal.SIGHUP)
        worker.until(lambda: worker.output.count("ready.") == 2, "it is ready again")
        worker.until_attached(2)
        PREFORK.enqueue(setting, [Job("a", 0.5)])
        worker.until(lambda: supervisor.open_holds() == ["tasks.work a"], "it is held")
