"""Huey's gate and holds, moment by moment: real consumers under a supervisor that says what the test wants."""

from __future__ import annotations

import dataclasses
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integrations.brokers import Broker, redis_call
from tests.integrations.configuration import Job
from tests.integrations.conftest import SettingFor
from tests.integrations.frameworks.huey import (
    CONFIGURATIONS,
    PROCESSES,
    PROCESSES_SQLITE,
    THREADS,
    THREADS_SQLITE,
    Huey,
)
from tests.integrations.hooked import hooked
from tests.unit.hooks.fake_supervisor import QUIET, FakeSupervisor, grant, refuse

ALL = pytest.mark.parametrize("huey", CONFIGURATIONS, ids=lambda each: each.name)
BOTH_KINDS = pytest.mark.parametrize("huey", [THREADS, PROCESSES], ids=lambda each: each.name)
BOTH_PROCESSES = pytest.mark.parametrize("huey", [PROCESSES, PROCESSES_SQLITE], ids=lambda each: each.name)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[FakeSupervisor]:
    supervisor = FakeSupervisor(tmp_path / "hooks.sock")
    supervisor.start()
    yield supervisor
    supervisor.stop()


def gates(huey: Huey) -> int:
    """Return how many gates there are: threads share one."""
    return huey.slots if huey.kind == "process" else 1


@ALL
def test_quiet_is_confirmed_and_nothing_starts_until_resumed(
    huey: Huey, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """What is enqueued after the confirmation starts after the resume, not before."""
    setting = setting_for(huey)
    with hooked(huey, setting, "huey", supervisor) as worker:
        worker.until_attached(gates(huey))
        huey.enqueue(setting, [Job("first", 0.0)])
        worker.until(lambda: worker.jobs("end") == ["first"], "the first job is done")
        worker.quiet()
        huey.enqueue(setting, [Job("second", 0.0), Job("third", 0.0)])
        resumed_at = time.monotonic()
        worker.resume()
        worker.until(lambda: len(worker.jobs("end")) == 3, "the other jobs are done")
        assert [line.job for line in worker.lines("start") if line.at < resumed_at] == ["first"]
        worker.until_gates("open", gates(huey))


@ALL
def test_a_consumer_that_starts_while_it_is_quiet_fetches_nothing(
    huey: Huey, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """The gate is shut before the first fetch, if the supervisor says so."""
    setting = setting_for(huey)
    supervisor.greeting = QUIET
    huey.enqueue(setting, [Job("waits", 0.0)])
    with hooked(huey, setting, "huey", supervisor) as worker:
        worker.until_gates("shut", gates(huey))
        resumed_at = time.monotonic()
        worker.resume()
        worker.until(lambda: worker.jobs("end") == ["waits"], "the job is done")
        assert worker.lines("start")[0].at > resumed_at


@BOTH_KINDS
def test_what_a_pop_brings_after_the_gate_was_shut_goes_back(
    huey: Huey, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """The workers sit in their blocking pops when the gate shuts, and get tasks from them: none is lost, in their order."""
    setting = setting_for(huey)
    names: list[str] = []
    with hooked(huey, setting, "huey", supervisor) as worker:
        worker.until_attached(gates(huey))
        redis_call(setting.broker, "CONFIG", "RESETSTAT")
        # The hook alone pushes on this side.
        while b"cmdstat_rpush:" not in redis_call(setting.broker, "INFO", "commandstats"):
            assert len(names) < 60
            names += [f"job{len(names) + more}" for more in range(3)]
            worker.until(
                lambda: redis_call(setting.broker, "CLIENT", "LIST").count(b"cmd=brpop") == 2,
                "both wait in Redis",
            )
            processes = [psutil.Process(worker.process.pid), *worker.others()]
            for each in processes:
                each.send_signal(signal.SIGSTOP)
            supervisor.say(QUIET)
            huey.enqueue(setting, [Job(name, 0.0) for name in names[-3:]])
            for each in processes:
                each.send_signal(signal.SIGCONT)
            worker.until_gates("shut", gates(huey))
            worker.until(lambda: supervisor.open_holds() == [], "nothing runs any more")
            assert sorted([*worker.jobs("end"), *huey.left(setting)]) == sorted(names)
            worker.resume()
            wanted = len(names)
            worker.until(lambda wanted=wanted: len(worker.jobs("end")) == wanted, "all have run")


@ALL
def test_a_task_that_is_refused_goes_back_and_runs_when_it_may(
    huey: Huey, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """Under `protect before-start` a refused task is not run and not lost."""
    setting = setting_for(huey)
    supervisor.answer = refuse
    huey.enqueue(setting, [Job("a", 0.0), Job("b", 0.0)])
    with hooked(huey, setting, "huey", supervisor, environ={"ECS_SUPERVISOR_HOLD_WAIT": "20"}) as worker:
        worker.until(lambda: len(worker.said("hold")) >= 4, "it was asked and refused, more than once")
        assert worker.jobs("start") == []
        supervisor.answer = grant
        worker.until(lambda: sorted(worker.jobs("end")) == ["a", "b"], "both have run")
        worker.until(lambda: supervisor.open_holds() == [], "nothing is held any more")


@ALL
def test_int_ends_a_quiet_consumer(huey: Huey, setting_for: SettingFor, supervisor: FakeSupervisor) -> None:
    """INT after quiet ends it with 0, and what waits stays in the queue."""
    setting = setting_for(huey)
    with hooked(huey, setting, "huey", supervisor) as worker:
        worker.until_attached(gates(huey))
        worker.quiet()
        huey.enqueue(setting, [Job("stays", 0.0)])
        worker.process.send_signal(signal.SIGINT)
        assert worker.status() == 0
        assert huey.left(setting) == {"stays": "queue"}


def test_int_is_graceful_also_where_the_user_has_asked_for_term(
    setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """With `-g TERM` Huey takes INT for `interrupt everything`; the hook lets both be graceful."""
    setting = setting_for(THREADS)
    with hooked(THREADS, setting, "huey", supervisor, "-g", "TERM") as worker:
        worker.until_attached()
        THREADS.enqueue(setting, [Job("runs", 1.0)])
        worker.until(lambda: worker.jobs("start") == ["runs"], "it runs")
        worker.process.send_signal(signal.SIGINT)
        assert worker.status() == 0
        assert worker.jobs("end") == ["runs"]


@pytest.mark.parametrize("huey", [THREADS, THREADS_SQLITE], ids=lambda each: each.name)
def test_a_task_whose_time_has_not_come_is_no_hold(
    huey: Huey, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """It is popped and moved to the schedule without a hold, and has one when it runs."""
    setting = setting_for(huey)
    with hooked(huey, setting, "huey", supervisor) as worker:
        worker.until_attached()
        huey.enqueue_call(setting, "work", "later", 0.0, delay=2)
        worker.until(
            lambda: huey.left(setting) == {"later": "scheduled, back at its time"},
            "it stands in the schedule",
        )
        assert worker.said("hold") == []
        worker.until(lambda: worker.jobs("end") == ["later"], "it runs at its time")
        assert [message["about"].split()[0] for message in worker.said("hold")] == ["work"]


@BOTH_PROCESSES
def test_a_killed_worker_process_takes_its_hold_with_it(
    huey: Huey, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """The task is gone, as without us; the hold too, and the other process goes on."""
    setting = setting_for(huey)
    with hooked(huey, setting, "huey", supervisor) as worker:
        worker.until_attached(2)
        huey.enqueue(setting, [Job("cut", 60.0)])
        worker.until(
            lambda: worker.jobs("start") and len(supervisor.open_holds()) == 1, "it runs and is held"
        )
        (running,) = (line.pid for line in worker.lines("start"))
        next(each for each in worker.others() if each.pid == running).kill()
        worker.until(lambda: supervisor.open_holds() == [], "the hold has ended")
        huey.enqueue(setting, [Job("next", 0.0)])
        worker.until(lambda: worker.jobs("end") == ["next"], "the other process works")


@BOTH_PROCESSES
def test_the_processes_of_a_killed_consumer_end(
    huey: Huey, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """Workers and scheduler: what runs is finished, nothing more is fetched, and all say why they end."""
    setting = setting_for(huey)
    with hooked(huey, setting, "huey", supervisor) as worker:
        worker.until_attached(2)
        huey.enqueue(setting, [Job("running", 2.0)])
        worker.until(lambda: worker.jobs("start") == ["running"], "it runs")
        worker.process.kill()
        worker.process.wait()
        worker.until(
            lambda: worker.output.count("takes no more tasks and ends") >= 2,
            "scheduler and idle worker say so",
        )
        huey.enqueue(setting, [Job("waits", 0.0)])
        worker.until(lambda: worker.others() == [], "all have ended")
        assert worker.jobs("end") == ["running"]
        assert huey.left(setting) == {"waits": "queue"}


@BOTH_KINDS
def test_a_restart_by_hup_is_attached_again(
    huey: Huey, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """Huey executes itself anew with the same pid, and its environment has no claim any more but for the hook."""
    setting = setting_for(huey)
    with hooked(huey, setting, "huey", supervisor) as worker:
        worker.until_attached(gates(huey))
        # Huey sets its handlers when its workers have been started already.
        status = Path(f"/proc/{worker.process.pid}/status")
        worker.until(
            lambda: int(status.read_text().split("SigCgt:")[1].split()[0], 16) & 1, "it has a handler for HUP"
        )
        worker.process.send_signal(signal.SIGHUP)
        worker.until_attached(2 * gates(huey))
        worker.until(lambda: supervisor.connections <= gates(huey) + 1, "the old connections have ended")
        huey.enqueue(setting, [Job("a", 0.0)])
        worker.until(lambda: worker.jobs("end") == ["a"], "it works")
        assert [message["about"].split()[0] for message in worker.said("hold")] == ["work"]


def test_a_broker_that_dies_holds_up_no_quiet(
    setting_for: SettingFor, supervisor: FakeSupervisor, own_redis_server: Broker
) -> None:
    """Without its Redis a consumer tries again and again; quiet is confirmed, and INT ends it."""
    setting = dataclasses.replace(setting_for(THREADS), broker=own_redis_server.url)
    with hooked(THREADS, setting, "huey", supervisor) as worker:
        worker.until_attached()
        own_redis_server.kill()
        worker.until(lambda: "Error reading" in worker.output, "Huey has noticed")
        worker.quiet()
        worker.process.send_signal(signal.SIGINT)
        assert worker.status() == 0
