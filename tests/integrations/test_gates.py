"""The gate of every hook, moment by moment: real workers under a supervisor that says what the test wants."""

from __future__ import annotations

import dataclasses
import time

import pytest

from tests.integrations.brokers import Broker
from tests.integrations.configuration import Attachable, Job
from tests.integrations.conftest import SettingFor
from tests.integrations.frameworks import ARQ, CELERY, DRAMATIQ, ELSEWHERE, HUEY, IN_PYTHON, RQ, TASKIQ
from tests.integrations.hooked import hooked
from tests.unit.hooks.fake_supervisor import QUIET, FakeSupervisor, grant, refuse

EACH = pytest.mark.parametrize("configuration", [*IN_PYTHON, *ELSEWHERE], indirect=True)
# Celery has a story of its own, of what it has fetched.
BUT_CELERY = pytest.mark.parametrize(
    "configuration", [*RQ, *DRAMATIQ, *HUEY, *ARQ, *TASKIQ, *ELSEWHERE], indirect=True
)
ON_A_REDIS = pytest.mark.parametrize(
    "configuration", ["rq-worker", "dramatiq-redis", *HUEY[:2], *ARQ, *TASKIQ], indirect=True
)
# On RabbitMQ what a refused job waits for is the broker's redelivery.
REFUSING = pytest.mark.parametrize(
    "configuration",
    [*CELERY[:3], "rq-worker", "rq-simple", "dramatiq-redis", *HUEY, *ARQ, *TASKIQ, *ELSEWHERE],
    indirect=True,
)


@BUT_CELERY
def test_quiet_is_confirmed_and_nothing_starts_until_resumed(
    configuration: Attachable, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """Under a stream of short jobs: not one is begun after the last confirmation; all run after the resume, each once.

    A job that is held by then may still be on its way: to an RQ horse, which is forked when its job is held.
    """
    setting = setting_for(configuration)
    names = [f"job{number}" for number in range(60)]
    with hooked(configuration, setting, supervisor) as worker:
        worker.until_attached(configuration.gates)
        configuration.enqueue(setting, [Job(name, 0.01) for name in names])
        worker.until(lambda: len(worker.jobs("start")) > 5, "they run")
        worker.quiet()
        confirmed_at = time.monotonic()
        held, said = len(supervisor.open_holds()), len(worker.said("hold"))
        configuration.enqueue(setting, [Job("late", 0.0)])
        worker.until_nothing_held()
        assert len(worker.said("hold")) == said
        resumed_at = time.monotonic()
        worker.resume()
        worker.until_ended(*names, "late")
        starts = worker.lines("start")
        assert len([line.job for line in starts if confirmed_at < line.at < resumed_at]) <= held
        assert sorted(line.job for line in starts) == sorted([*names, "late"])
        worker.until_gates("open", configuration.gates)


@EACH
def test_a_worker_that_starts_while_it_is_quiet_begins_nothing_until_resumed(
    configuration: Attachable, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """The gate is shut before the first fetch, and opens when the supervisor says so."""
    setting = setting_for(configuration)
    supervisor.greeting = QUIET
    configuration.enqueue(setting, [Job("waits", 0.0)])
    with hooked(configuration, setting, supervisor) as worker:
        worker.until_gates("shut", configuration.gates)
        assert configuration.waiting(setting) == 1
        resumed_at = time.monotonic()
        worker.resume()
        worker.until_ended("waits")
        assert worker.lines("start")[0].at > resumed_at


@EACH
def test_the_stop_signal_ends_a_quiet_worker(
    configuration: Attachable, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """With 0, and what waits stays in the queue."""
    setting = setting_for(configuration)
    with hooked(configuration, setting, supervisor) as worker:
        worker.until_attached(configuration.gates)
        configuration.enqueue(setting, [Job("first", 0.0)])
        worker.until_ended("first")
        worker.quiet()
        configuration.enqueue(setting, [Job("stays", 0.0)])
        worker.process.send_signal(configuration.stop_signal)
        assert worker.status() == 0
        assert worker.jobs("start") == ["first"]
    assert configuration.left(setting) == {"stays": "queue"}


@ON_A_REDIS
def test_quiet_and_resume_many_times_lose_nothing(
    configuration: Attachable, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """However the moments fall, each job runs once."""
    setting = setting_for(configuration)
    names = [f"job{number}" for number in range(40)]
    with hooked(configuration, setting, supervisor) as worker:
        worker.until_attached(configuration.gates)
        for number in range(0, len(names), 4):
            configuration.enqueue(setting, [Job(name, 0.005) for name in names[number : number + 4]])
            worker.quiet()
            worker.resume()
        worker.until_ended(*names)
        assert len(worker.jobs("start")) == len(names)


@REFUSING
def test_a_job_that_is_refused_goes_back_and_runs_when_it_may(
    configuration: Attachable, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """Under `protect before-start` it is not run, not failed, not lost."""
    setting = setting_for(configuration)
    supervisor.answer = refuse
    configuration.enqueue(setting, [Job("a", 0.0), Job("b", 0.0)])
    with hooked(configuration, setting, supervisor, environ={"ECS_SUPERVISOR_HOLD_WAIT": "20"}) as worker:
        worker.until(
            lambda: sum(1 for hold in worker.said("hold") if hold.get("wait")) >= 3,
            "it has asked again and again",
        )
        assert worker.jobs("start") == []
        supervisor.answer = grant
        worker.until_ended("a", "b")
        assert sorted(worker.jobs("start")) == ["a", "b"]
        worker.until_nothing_held()


@ON_A_REDIS
def test_a_broker_that_dies_holds_up_no_quiet_and_no_stop(
    configuration: Attachable, setting_for: SettingFor, supervisor: FakeSupervisor, own_redis_server: Broker
) -> None:
    """The gate is confirmed without a broker, and the stop signal ends the worker, if it has not ended by itself."""
    setting = dataclasses.replace(setting_for(configuration), broker=own_redis_server.url)
    with hooked(configuration, setting, supervisor) as worker:
        worker.until_attached(configuration.gates)
        configuration.enqueue(setting, [Job("first", 0.0)])
        worker.until_ended("first")
        own_redis_server.kill()
        supervisor.greeting = QUIET
        supervisor.say(QUIET)
        # arq and taskiq end when their broker is gone, and taskiq's main process starts others.
        worker.until(
            lambda: (
                list(worker.gates().values()).count("shut") >= configuration.gates
                or worker.process.poll() is not None
            ),
            "the gates are shut",
        )
        if worker.process.poll() is None:
            worker.process.send_signal(configuration.stop_signal)
        worker.status()
