"""The hooks in Ruby and in JavaScript, which share no code but hold the same: Sidekiq and BullMQ."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest

from tests.integrations.brokers import Broker
from tests.integrations.configuration import InAnotherLanguage, Job, Setting
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks import ELSEWHERE
from tests.integrations.hooked import hooked
from tests.integrations.worker import Worker
from tests.unit.hooks.fake_supervisor import QUIET, FakeSupervisor

pytestmark = pytest.mark.parametrize("configuration", ELSEWHERE, indirect=True)


@pytest.fixture
def setting(configuration: InAnotherLanguage, setting_for: SettingFor) -> Setting:
    return setting_for(configuration)


def start(
    run_worker: Run, configuration: InAnotherLanguage, setting: Setting, stop_timeout: float = 15
) -> Worker:
    worker: Worker = run_worker(configuration, setting, stop_timeout=stop_timeout)
    worker.until_gates(1)
    return worker


def test_the_task_is_busy_while_a_job_runs(
    configuration: InAnotherLanguage, run_worker: Run, setting: Setting
) -> None:
    """A hold with the job's kind and id lasts as long as the job, and protects the task."""
    worker = start(run_worker, configuration, setting)
    configuration.enqueue(setting, [Job("a", 0.5)])
    worker.until_started("a")
    worker.until_busy()
    worker.until_protected()
    worker.until_ended("a")
    worker.until_idle()
    (about,) = worker.held()
    kind, id_ = about.split()
    assert (kind.lower(), bool(id_)) == ("sample", True)


def test_no_job_is_lost_or_doubled_by_a_stop_in_a_stream(
    configuration: InAnotherLanguage, run_worker: Run, setting: Setting
) -> None:
    """With a backlog of tiny jobs every one has ended once or waits in the queue."""
    jobs = [Job(f"{number}", 0.002) for number in range(3000)]
    configuration.enqueue(setting, jobs)
    worker = start(run_worker, configuration, setting)
    worker.until(lambda: len(worker.ended()) > 50, "some have ended")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert sorted(worker.ended()) == sorted(set(worker.started())) == sorted(worker.started())
    assert sorted([*worker.ended(), *configuration.left(setting)]) == sorted(job.name for job in jobs)


def test_a_job_that_outlives_the_stop_goes_back_to_its_queue(
    configuration: InAnotherLanguage, run_worker: Run, setting: Setting
) -> None:
    """The framework's own time limit comes before our SIGKILL, and the exit status is 0."""
    worker = start(run_worker, configuration, setting, stop_timeout=12)
    configuration.enqueue(setting, [Job("endless", 60)])
    worker.until_started("endless")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert configuration.left(setting) == {"endless": "queue"}


def test_a_killed_worker_holds_nothing(
    configuration: InAnotherLanguage, run_worker: Run, setting: Setting
) -> None:
    """The end of the process ends its holds, and the task's status says how it ended."""
    worker = start(run_worker, configuration, setting)
    configuration.enqueue(setting, [Job("a", 60)])
    worker.until_busy()
    os.kill(worker.main_pid, signal.SIGKILL)
    assert worker.status() == 137


def test_a_broker_that_goes_and_comes_back(
    configuration: InAnotherLanguage, run_worker: Run, setting: Setting, own_redis_server: Broker
) -> None:
    """The job that runs meanwhile ends, its hold too, and later jobs run."""
    setting = replace(setting, broker=own_redis_server.url)
    worker = start(run_worker, configuration, setting)
    configuration.enqueue(setting, [Job("a", 1.5)])
    worker.until_busy()
    own_redis_server.kill()
    worker.until_ended("a")
    own_redis_server.restart()
    worker.until_idle()
    configuration.enqueue(setting, [Job("b", 0.1)])
    worker.until_ended("b")
    worker.until_idle()


def test_a_job_can_ask_how_long_it_has(
    configuration: InAnotherLanguage, run_worker: Run, setting: Setting
) -> None:
    """Whether a stop has begun, and the seconds left; in Node also in a job that never lets go of the event loop."""
    configuration.enqueue(setting, [Job("a", 30)], "asksHowLong")
    worker = start(run_worker, configuration, setting)
    worker.until_started("a")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    (told,) = [line.what for line in worker.lines() if line.what.startswith("told")]
    assert told.startswith("told true ")
    assert 0 < float(told.split()[2]) <= 15


def test_a_job_can_save_how_far_it_has_come_and_go_back(
    configuration: InAnotherLanguage, run_worker: Run, setting: Setting
) -> None:
    """It ends at once when a stop begins, and stands in the queue for another worker."""
    configuration.enqueue(setting, [Job("a", 60)], "pages")
    worker = start(run_worker, configuration, setting)
    worker.until_started("a")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert worker.ended() == []
    assert configuration.left(setting) == {"a": "queue"}


def test_a_supervisor_that_hangs_delays_no_job(
    configuration: InAnotherLanguage, setting: Setting, supervisor: FakeSupervisor
) -> None:
    """More jobs than its socket takes lines run to their end, and when it reads again it knows what is true."""
    with hooked(configuration, setting, supervisor) as worker:
        worker.until_said("hello")
        supervisor.hang()
        jobs = [Job(f"{number}", 0) for number in range(3000)]
        configuration.enqueue(setting, [*jobs, Job("long", 3)])
        worker.until_started("long")
        assert len(worker.jobs("end")) >= 2998
        supervisor.wake_up()
        worker.until(lambda: len(supervisor.open_holds()) == 1, "one job is held")
        worker.until_ended("long")
        worker.until_nothing_held()


def test_after_a_lost_connection_open_holds_are_said_anew(
    configuration: InAnotherLanguage, setting: Setting, supervisor: FakeSupervisor
) -> None:
    """The supervisor that comes back hears of the job that runs."""
    configuration.enqueue(setting, [Job("a", 4)])
    with hooked(configuration, setting, supervisor) as worker:
        worker.until_said("hold")
        supervisor.drop_connections()
        worker.until_said("hold", 2)
        assert len(supervisor.open_holds()) == 1
        worker.until_ended("a")
        worker.until_nothing_held()


def test_nonsense_from_the_supervisor_is_ignored(
    configuration: InAnotherLanguage, setting: Setting, supervisor: FakeSupervisor
) -> None:
    """Jobs run on, and what is understood afterwards counts."""
    with hooked(configuration, setting, supervisor) as worker:
        worker.until_said("hello")
        supervisor.send(
            b'null\n[]\n1\nxyz\n\xff\xfe\n{"op":[]}\n{"op":"state","seconds_left":"soon"}\n{"op":"granted"}\n\n'
        )
        configuration.enqueue(setting, [Job("a", 0.01)])
        worker.until_ended("a")
        supervisor.say(QUIET)
        worker.until_said("shut")
        assert supervisor.accepted == 1
