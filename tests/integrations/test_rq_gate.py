"""RQ's gate and holds, moment by moment: real workers under a supervisor that says what the test wants."""

from __future__ import annotations

import signal

import pytest

from tests.integrations.brokers import redis_call
from tests.integrations.configuration import Job, Setting
from tests.integrations.conftest import SettingFor
from tests.integrations.frameworks.rq import FORK, POOL, QUEUE, SIMPLE, Rq
from tests.integrations.hooked import hooked
from tests.integrations.records import read_lines
from tests.unit.hooks.fake_supervisor import FakeSupervisor

ONE_PROCESS_EACH = pytest.mark.parametrize("rq", [FORK, SIMPLE], ids=lambda each: each.name)


@ONE_PROCESS_EACH
def test_term_without_quiet_strands_no_job(
    rq: Rq, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """RQ alone loses a job between fetch and start in 15 of 40 such stops; ten with the hook lose none."""
    setting = setting_for(rq)
    names = [f"job{number}" for number in range(3000)]
    rq.enqueue(setting, [Job(name, 0.0) for name in names])
    for round_ in range(10):
        with hooked(rq, setting, supervisor) as worker:
            begun = len(worker.jobs("start"))
            worker.until(
                lambda begun=begun, more=3 + round_: len(worker.jobs("start")) > begun + more, "jobs run"
            )
            worker.process.send_signal(signal.SIGTERM)
            assert worker.status() == 0, worker.output[-3000:]
            assert _stranded(setting) == 0
    started, ended = (
        [line.job for line in read_lines(setting.records) if line.what == what] for what in ("start", "end")
    )
    assert sorted(started) == sorted(ended) == sorted(set(started))
    assert sorted([*started, *rq.left(setting)]) == sorted(names)


def test_a_stop_in_the_middle_of_a_talk_with_redis_is_a_clean_end(
    setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """RQ alone takes the answer that comes late for that of its goodbye, and ends with status 1."""
    interrupted = Rq("rq-interrupted", ("worker", "-w", "workers.Interrupted"))
    setting = setting_for(interrupted)
    interrupted.enqueue(setting, [Job("a", 0.0)])
    with hooked(interrupted, setting, supervisor) as worker:
        assert worker.status() == 0, worker.output
    assert worker.jobs("end") == ["a"]
    assert redis_call(setting.broker, "SCARD", "rq:workers") == "0"


def test_a_horse_whose_worker_was_killed_still_holds(
    setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """The orphan finishes its job as it does without us; until then there is a hold, and afterwards there is none."""
    setting = setting_for(FORK)
    with hooked(FORK, setting, supervisor) as worker:
        FORK.enqueue(setting, [Job("orphan", 4.0)])
        worker.until(lambda: supervisor.open_holds() == ["tasks.work orphan"], "it is held")
        worker.until_started("orphan")
        worker.process.kill()
        worker.process.wait()
        worker.until(lambda: worker.jobs("end") or not supervisor.open_holds(), "the job or its hold ends")
        assert worker.jobs("end") == ["orphan"]
        worker.until(lambda: supervisor.connections == 0, "the horse has gone")


def test_a_member_whose_pool_was_killed_ends_its_job_and_itself(
    setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """No orphan of a pool keeps fetching: what runs is finished, what waits stays in the queue."""
    setting = setting_for(POOL)
    with hooked(POOL, setting, supervisor) as worker:
        worker.until_attached(2)
        POOL.enqueue(setting, [Job("running", 3.0)])
        worker.until_started("running")
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
    with hooked(FORK, setting, supervisor, "--with-scheduler") as worker:
        worker.until_attached()
        worker.until(lambda: worker.others(), "the scheduler has been started")
        FORK.enqueue(setting, [Job("a", 0.0)])
        worker.until_ended("a")
        worker.until(lambda: supervisor.connections == 1, "the worker alone is connected")
        worker.quiet()
        worker.process.send_signal(signal.SIGTERM)
        assert worker.status() == 0


def _stranded(setting: Setting) -> int:
    """Return how many jobs RQ has lost sight of."""
    return int(redis_call(setting.broker, "LLEN", f"rq:queue:{QUEUE}:intermediate"))
