"""RQ's gate and holds, moment by moment: real workers under a supervisor that says what the test wants."""

from __future__ import annotations

import dataclasses
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.integrations.brokers import Broker, redis_call
from tests.integrations.configuration import Job, Setting
from tests.integrations.conftest import SettingFor
from tests.integrations.frameworks.rq import CONFIGURATIONS, FORK, POOL, QUEUE, SIMPLE, Rq, queue
from tests.integrations.hooked import Hooked, hooked
from tests.integrations.records import read_lines
from tests.unit.hooks.fake_supervisor import QUIET, FakeSupervisor, grant, refuse

Start = Callable[..., AbstractContextManager[Hooked]]

ALL = pytest.mark.parametrize("rq", CONFIGURATIONS, ids=lambda each: each.name)
ONE_PROCESS_EACH = pytest.mark.parametrize("rq", [FORK, SIMPLE], ids=lambda each: each.name)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[FakeSupervisor]:
    supervisor = FakeSupervisor(tmp_path / "hooks.sock")
    supervisor.start()
    yield supervisor
    supervisor.stop()


@ALL
def test_quiet_is_confirmed_and_nothing_starts_until_resumed(
    rq: Rq, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """What is enqueued after the confirmation starts after the resume, not before; each member of a pool has its gate."""
    setting = setting_for(rq)
    with hooked(rq, setting, "rq", supervisor) as worker:
        worker.until_attached(rq.slots)
        rq.enqueue(setting, [Job("first", 0.0)])
        worker.until(lambda: worker.jobs("end") == ["first"], "the first job is done")
        worker.quiet()
        rq.enqueue(setting, [Job("second", 0.0), Job("third", 0.0)])
        resumed_at = time.monotonic()
        worker.resume()
        worker.until(lambda: len(worker.jobs("end")) == 3, "the other jobs are done")
        starts = worker.lines("start")
        assert [line.job for line in starts if line.at < resumed_at] == ["first"]
        worker.until_gates("open", rq.slots)


@ALL
def test_a_worker_that_starts_while_it_is_quiet_fetches_nothing(
    rq: Rq, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """The gate is shut before the first fetch, if the supervisor says so."""
    setting = setting_for(rq)
    supervisor.greeting = QUIET
    rq.enqueue(setting, [Job("waits", 0.0)])
    with hooked(rq, setting, "rq", supervisor) as worker:
        worker.until_attached(rq.slots)
        worker.until_gates("shut", rq.slots)
        resumed_at = time.monotonic()
        worker.resume()
        worker.until(lambda: worker.jobs("end") == ["waits"], "the job is done")
        assert worker.lines("start")[0].at > resumed_at


@ONE_PROCESS_EACH
def test_what_a_pop_brings_after_the_gate_was_shut_goes_back_to_the_front(
    rq: Rq, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """The worker sits in its blocking pop when the gate shuts, and gets a job from it: nothing starts, nothing strands."""
    setting = setting_for(rq)
    names: list[str] = []
    with hooked(rq, setting, "rq", supervisor) as worker:
        worker.until_attached()
        redis_call(setting.broker, "CONFIG", "RESETSTAT")
        while not _put_back(setting):
            # Both words lie ready when it goes on; which it hears first is its own affair, so once may not be enough.
            assert len(names) < 40
            names += [f"a{len(names)}", f"b{len(names)}"]
            worker.until(
                lambda: b"cmd=blmove" in redis_call(setting.broker, "CLIENT", "LIST"), "it waits in Redis"
            )
            worker.process.send_signal(signal.SIGSTOP)
            supervisor.say(QUIET)
            rq.enqueue(setting, [Job(name, 0.0) for name in names[-2:]])
            worker.process.send_signal(signal.SIGCONT)
            worker.until_gates("shut")
            # One that the pop brought before the word was heard runs; the other one has not been fetched.
            worker.until(lambda: supervisor.open_holds() == [], "nothing runs any more")
            assert [*worker.jobs("end"), *_queued(setting)] == names
            assert _stranded(setting) == 0
            worker.resume()
            wanted = names.copy()
            worker.until(lambda wanted=wanted: worker.jobs("end") == wanted, "all have run, in their order")


@ONE_PROCESS_EACH
def test_a_job_that_is_refused_goes_back_and_runs_when_it_may(
    rq: Rq, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """Under `protect before-start` a refused job is not run, not failed and not behind the next one."""
    setting = setting_for(rq)
    supervisor.answer = refuse
    rq.enqueue(setting, [Job("a", 0.0), Job("b", 0.0)])
    with hooked(rq, setting, "rq", supervisor, environ={"ECS_SUPERVISOR_HOLD_WAIT": "20"}) as worker:
        worker.until(lambda: len(worker.said("hold")) >= 3, "it was asked and refused, more than once")
        assert worker.jobs("start") == []
        supervisor.answer = grant
        worker.until(lambda: worker.jobs("end") == ["a", "b"], "both have run, in their order")
        assert _stranded(setting) == 0
        worker.until(lambda: supervisor.open_holds() == [], "nothing is held any more")


@ONE_PROCESS_EACH
def test_term_stops_an_idle_worker_that_waits_at_its_gate(
    rq: Rq, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """TERM after quiet ends the worker with 0, and a job that is waiting stays in the queue."""
    setting = setting_for(rq)
    with hooked(rq, setting, "rq", supervisor) as worker:
        worker.until_attached()
        worker.quiet()
        rq.enqueue(setting, [Job("stays", 0.0)])
        worker.process.send_signal(signal.SIGTERM)
        assert worker.status() == 0
        assert rq.left(setting) == {"stays": "queue"}


@ONE_PROCESS_EACH
def test_term_without_quiet_strands_no_job(
    rq: Rq, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """RQ alone loses a job between fetch and start in 15 of 40 such stops; ten with the hook lose none."""
    setting = setting_for(rq)
    names = [f"job{number}" for number in range(3000)]
    rq.enqueue(setting, [Job(name, 0.0) for name in names])
    for round_ in range(10):
        with hooked(rq, setting, "rq", supervisor) as worker:
            begun = len(worker.jobs("start"))
            worker.until(
                lambda begun=begun, more=3 + round_: len(worker.jobs("start")) > begun + more, "jobs run"
            )
            worker.process.send_signal(signal.SIGTERM)
            assert worker.status() == 0
            assert _stranded(setting) == 0
    started, ended = (
        [line.job for line in read_lines(setting.records) if line.what == what] for what in ("start", "end")
    )
    assert sorted(started) == sorted(ended) == sorted(set(started))
    assert sorted([*started, *rq.left(setting)]) == sorted(names)


def test_a_horse_whose_worker_was_killed_still_holds(
    setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """The orphan finishes its job as it does without us; until then there is a hold, and afterwards there is none."""
    setting = setting_for(FORK)
    with hooked(FORK, setting, "rq", supervisor) as worker:
        FORK.enqueue(setting, [Job("orphan", 4.0)])
        worker.until(lambda: supervisor.open_holds() == ["tasks.work orphan"] * 2, "worker and horse hold")
        worker.process.kill()
        worker.until(lambda: supervisor.connections == 1, "the worker's connection has ended")
        assert supervisor.open_holds() == ["tasks.work orphan"]
        worker.until(lambda: worker.jobs("end") == ["orphan"], "the horse ends its job")
        worker.until(lambda: supervisor.connections == 0, "the horse has gone")


def test_a_member_whose_pool_was_killed_ends_its_job_and_itself(
    setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """No orphan of a pool keeps fetching: what runs is finished, what waits stays in the queue."""
    setting = setting_for(POOL)
    with hooked(POOL, setting, "rq", supervisor) as worker:
        worker.until_attached(2)
        POOL.enqueue(setting, [Job("running", 3.0)])
        worker.until(lambda: worker.jobs("start") == ["running"], "it runs")
        worker.process.kill()
        worker.process.wait()
        # The idle member first; the other one's end is the job's.
        worker.until(
            lambda: worker.output.count("takes no more jobs and ends") == 1,
            "the idle member says why it ends",
        )
        POOL.enqueue(setting, [Job("waits", 0.0)])
        worker.until(lambda: supervisor.connections == 0, "both members have ended")
        assert worker.jobs("end") == ["running"]
        assert POOL.left(setting) == {"waits": "queue"}


def test_the_embedded_scheduler_is_not_a_holder(setting_for: SettingFor, supervisor: FakeSupervisor) -> None:
    """With --with-scheduler there is one more process, but still one connection, one gate and no hold."""
    setting = setting_for(FORK)
    with hooked(FORK, setting, "rq", supervisor, "--with-scheduler") as worker:
        worker.until_attached()
        worker.until(lambda: worker.others(), "the scheduler has been started")
        FORK.enqueue(setting, [Job("a", 0.0)])
        worker.until(lambda: worker.jobs("end") == ["a"], "a job runs")
        worker.until(lambda: supervisor.connections == 1, "the worker alone is connected")
        worker.quiet()
        worker.process.send_signal(signal.SIGTERM)
        assert worker.status() == 0


def test_a_broker_that_dies_holds_up_no_stop(
    setting_for: SettingFor, supervisor: FakeSupervisor, own_redis_server: Broker
) -> None:
    """Without its Redis an idle worker waits longer and longer between attempts; quiet and TERM do not wait for it."""
    setting = setting_for(FORK)
    setting = dataclasses.replace(setting, broker=own_redis_server.url)
    with hooked(FORK, setting, "rq", supervisor) as worker:
        worker.until(lambda: "Listening on" in worker.output, "it has begun its work")
        own_redis_server.kill()
        worker.until(lambda: "could not connect" in worker.output.lower(), "RQ has noticed")
        worker.quiet()
        worker.process.send_signal(signal.SIGTERM)
        worker.status()


def _stranded(setting: Setting) -> int:
    """Return how many jobs RQ has lost sight of."""
    return int(redis_call(setting.broker, "LLEN", f"rq:queue:{QUEUE}:intermediate").strip(b":\r\n"))


def _queued(setting: Setting) -> list[str]:
    with queue(setting) as jobs:
        return list(jobs.get_job_ids())


def _put_back(setting: Setting) -> bool:
    """Whether anything was put at the front of a list, which nobody but the hook does here."""
    return b"cmdstat_lpush:" in redis_call(setting.broker, "INFO", "commandstats")
