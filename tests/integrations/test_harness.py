"""The harness itself: what it says of a worker is so, and the judge finds every wrong that is planted."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.emulator.evidence import ContainerRecord
from supervisor.emulator.tasks import StopReason
from tests.integrations import brokers
from tests.integrations.configuration import APPS, Job
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks.plain import Plain
from tests.integrations.stops import Evidence, run
from tests.integrations.table import details, pairs_table
from tests.integrations.verdict import Verdict, judge

PLAIN = Plain()

# 2026-11-22T00:00:00Z, where the clock of the made-up evidence begins.
EPOCH = 1795305600.0


def container(number: int = 1, reason: StopReason = StopReason.USER, **more: object) -> ContainerRecord:
    made = ContainerRecord(f"id-{number}", number, "worker", 7, 0.0, 10.0, reason, 20.0, 22.0, 0)
    return replace(made, **more)  # type: ignore[arg-type]


def stamped(at: float, event: str, in_flight: int = 0) -> str:
    return json.dumps(
        {"time": f"2026-11-22T00:00:{at:06.3f}Z", "level": "info", "event": event, "in_flight": in_flight}
    )


def judged(
    folder: Path,
    *records: tuple[float, str, str],
    log: tuple[str, ...] = (),
    made: ContainerRecord | None = None,
    left: dict[str, str] | None = None,
    attaches: bool = False,
) -> Verdict:
    """Judge one task. records: time, job and what happened to it; every job in them had been enqueued, and `j1`."""
    file = folder / "records"
    lines = [{"t": at, "job": job, "what": what, "task": "1", "pid": 7} for at, job, what in records]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    names = {"j1", *(job for _, job, _ in records)}
    evidence = Evidence(
        "made-up",
        attaches,
        True,
        {name: Job(name, 1.0) for name in names},
        file,
        (made or container(),),
        {"1": "\n".join(log)},
        {"1": ()},
        left or {},
        ends=30.0,
        spared=0,
        emptied=True,
        wall_minus_monotonic=EPOCH,
    )
    return judge(evidence)


def test_a_job_that_ended_once_is_well(tmp_path: Path) -> None:
    """Nothing is found where nothing is wrong."""
    verdict = judged(
        tmp_path, (1.0, "j1", "start"), (2.0, "j1", "end"), log=(stamped(20.5, "quiet.confirmed"),)
    )
    assert verdict.is_clean
    assert (verdict.jobs, verdict.executed, verdict.cut) == (1, 1, [])


def test_a_job_that_never_ended_is_lost(tmp_path: Path) -> None:
    """Cut or never begun: without an end, and in no queue, it is lost."""
    assert judged(tmp_path).lost == ["j1"]
    verdict = judged(tmp_path, (1.0, "j1", "start"))
    assert verdict.lost == ["j1"]
    assert verdict.cut == ["j1 in task 1"]


def test_a_job_that_will_run_again_is_not_lost(tmp_path: Path) -> None:
    """What the broker gives back later is counted by the place where it waits."""
    verdict = judged(tmp_path, (1.0, "j1", "start"), left={"j1": "unacked"})
    assert (verdict.lost, verdict.left) == ([], {"unacked": 1})


def test_a_job_that_ran_twice_needs_a_cause_in_the_log(tmp_path: Path) -> None:
    """The first task's log must say, after the job's start, that its work was given up."""
    twice = ((1.0, "j1", "start"), (2.0, "j1", "end"), (5.0, "j1", "start"), (6.0, "j1", "end"))
    assert judged(tmp_path, *twice).unnamed == ["j1"]
    assert judged(tmp_path, *twice, log=(stamped(0.5, "holder.died"),)).unnamed == ["j1"]
    named = judged(tmp_path, *twice, log=(stamped(1.5, "holder.died"),))
    assert (named.twice, named.unnamed) == (["j1"], [])


def test_a_job_that_was_cut_and_ran_again_is_no_second_run(tmp_path: Path) -> None:
    """That is what a queue is for."""
    verdict = judged(tmp_path, (1.0, "j1", "start"), (5.0, "j1", "start"), (6.0, "j1", "end"))
    assert (verdict.twice, verdict.rerun, len(verdict.cut)) == ([], 1, 1)


def test_a_start_after_the_confirmed_quiet_is_late(tmp_path: Path) -> None:
    """With one hold open at the confirmation, one start may follow it, and no more; after a resumption any number."""
    records = [(at, job, what) for at, job in ((21.1, "j1"), (21.2, "j2")) for what in ("start", "end")]
    confirmed = stamped(21.0, "quiet.confirmed", in_flight=1)
    assert judged(tmp_path, *records, log=(confirmed,)).late == ["j2 in task 1"]
    assert judged(tmp_path, *records, log=(confirmed, stamped(21.05, "task.resumed"))).late == []
    assert len(judged(tmp_path, *records, log=(stamped(21.0, "task.stopping"),)).late) == 2


def test_a_job_that_the_scheduler_met_is_found(tmp_path: Path) -> None:
    """A scale-in must not stop a task whose job it could have known of; a StopTask may."""
    records = ((10.0, "j1", "start"), (21.0, "j1", "end"))
    assert judged(tmp_path, *records, made=container(reason=StopReason.SCALE_IN)).met == ["j1 in task 1"]
    assert judged(tmp_path, *records).met == []


def test_a_task_that_runs_jobs_without_its_hook_is_found(tmp_path: Path) -> None:
    """Where a hook should have spoken and has not, jobs run unseen."""
    ended = ((1.0, "j1", "start"), (2.0, "j1", "end"))
    assert judged(tmp_path, *ended, attaches=True).unhooked == ["1"]
    assert judged(tmp_path, *ended, log=(stamped(0.5, "hook.attached"),), attaches=True).is_clean


def test_a_container_that_was_killed_is_found(tmp_path: Path) -> None:
    """A stop that came too late is a finding, whatever was lost by it."""
    ended = ((1.0, "j1", "start"), (2.0, "j1", "end"))
    assert not judged(tmp_path, *ended, made=container(killed=True, exit_code=137)).is_clean


def test_a_worker_is_seen_from_its_first_job_to_its_exit(run_worker: Run, setting_for: SettingFor) -> None:
    """Records, holds, protection, log and exit status of a plain program with a job in flight when ECS stops it."""
    setting = setting_for(PLAIN)
    worker = run_worker(PLAIN, setting)
    PLAIN.enqueue(setting, [Job("short", 0.0), Job("long", 1.0)])
    worker.until_started("long")
    worker.until_protected()
    worker.until(lambda: worker.holds() == ["long"], "the long job is held")
    worker.send(signal.SIGTERM)
    assert worker.status() == 143
    assert sorted(worker.ended()) == ["long", "short"]
    assert worker.noted("task.stopping")
    assert {each.job for each in worker.executions()} == {"short", "long"}  # its threads begin in any order
    assert len(worker.executions()) == 2


def test_the_worker_does_not_find_the_supervisor_by_itself(run_worker: Run) -> None:
    """How the harness starts the supervisor does not make it importable for what it runs."""
    # Without what is installed beside it: an editable install is found wherever the path leads.
    looks = "import importlib.util as u; print(u.find_spec('supervisor'))"
    worker = run_worker([sys.executable, "-S", "-c", looks])
    assert worker.status() == 0
    assert worker.output == ["None"]


@pytest.mark.timeout(180)
def test_planted_wrongs_are_found_in_a_real_run(tmp_path: Path) -> None:
    """A worker that loses a job, runs one twice and begins one at the end, in each of its tasks: all of it is told."""
    faulty = replace(PLAIN, name="faulty", app=APPS / "faulty")
    with brokers.redis_server() as broker:
        verdict = judge(run(faulty, broker.url, tmp_path, supervised=True, stops=3, seed=1))
    assert verdict.stops >= 3
    assert len(verdict.lost) >= 3
    assert len(verdict.unnamed) >= 3
    assert len(verdict.late) >= 3
    assert all(job.startswith("late-") for job in verdict.late)
    told = "\n".join(details(verdict))
    assert verdict.lost[0] in told
    assert "faulty" in pairs_table([(None, verdict)])


def test_a_broker_comes_back_with_what_it_had(own_redis_server: brokers.Broker) -> None:
    """Killed and started again it has the same address and the same data, as a broker on a disk."""
    brokers.redis_call(own_redis_server.url, "RPUSH", "jobs", "one")
    brokers.redis_call(own_redis_server.url, "CONFIG", "SET", "appendfsync", "always")
    brokers.redis_call(own_redis_server.url, "RPUSH", "jobs", "two")
    own_redis_server.kill()
    own_redis_server.restart()
    assert brokers.redis_call(own_redis_server.url, "LLEN", "jobs") == "2"
