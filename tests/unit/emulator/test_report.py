"""The verdict on a rehearsal follows from its records."""

from __future__ import annotations

import json

from supervisor.emulator.calls import Call
from supervisor.emulator.evidence import ContainerRecord, JobRecord, jobs_of, read_jobs
from supervisor.emulator.faults import Fault
from supervisor.emulator.report import Drain, ProtectionUse, judge
from supervisor.emulator.tasks import StopReason


def job(at: float, name: str, what: str, task: str = "1", pid: int = 7) -> JobRecord:
    return JobRecord(at, name, what, task, pid)


def container(
    number: int = 1,
    name: str = "worker",
    *,
    signalled_at: float | None = None,
    exited_at: float | None = None,
    killed: bool = False,
    reason: StopReason | None = None,
) -> ContainerRecord:
    return ContainerRecord(
        f"id{number}",
        number,
        name,
        100 + number,
        0,
        30,
        reason,
        signalled_at,
        exited_at,
        None if exited_at is None else 0,
        killed,
    )


def call(task_id: str | None, answer: str, path: str = "/api/x/task-protection/v1/state") -> Call:
    return Call(0, "PUT", path, "x", task_id, b"", 200, answer.encode(), 0.1, 1, Fault.NONE)


GONE = container(exited_at=9)
RUNNING = container()


def test_a_job_that_ended_is_kept() -> None:
    """Start and end in one run: kept, and nothing else."""
    report = judge([job(1, "a", "start"), job(2, "a", "end")], [GONE])
    assert (report.kept, report.lost, report.interrupted, report.run_twice) == (("a",), (), (), ())
    assert report.is_clean


def test_a_job_cut_with_its_task_is_lost() -> None:
    """Started, never ended, and its task is gone: lost."""
    report = judge([job(1, "a", "start"), job(2, "a", "kept-signal")], [GONE])
    assert (report.lost, report.interrupted, report.kept) == (("a",), ("a",), ())
    assert not report.is_clean


def test_a_job_that_still_runs_is_unfinished() -> None:
    """Its task had not stopped when the rehearsal ended, whether the task is named by number or by id."""
    for task in ("1", "id1"):
        report = judge([job(1, "a", "start", task)], [RUNNING])
        assert (report.unfinished, report.lost) == (("a",), ())
        assert report.is_clean


def test_a_job_cut_and_done_again_is_interrupted_and_run_twice() -> None:
    """The second run saved the job, but the first was cut."""
    report = judge(
        [job(1, "a", "start"), job(5, "a", "start", "2"), job(6, "a", "end", "2")], [GONE, container(2)]
    )
    assert (report.kept, report.lost, report.interrupted, report.run_twice) == (("a",), (), ("a",), ("a",))


def test_a_job_handed_back_is_returned() -> None:
    """It is neither lost nor cut, and it is kept as soon as another run ends it."""
    records = [job(1, "a", "start"), job(2, "a", "returned")]
    report = judge(records, [GONE])
    assert (report.returned, report.lost, report.interrupted) == (("a",), (), ())
    report = judge([*records, job(3, "a", "start", "2"), job(4, "a", "end", "2")], [GONE, container(2)])
    assert (report.returned, report.kept, report.run_twice) == ((), ("a",), ("a",))


def test_the_order_of_records_does_not_matter() -> None:
    """Files of several tasks need not be merged by time."""
    records = [job(2, "a", "end"), job(1, "a", "start"), job(3, "b", "start")]
    assert judge(records, [GONE]) == judge(reversed(records), [GONE])


def test_a_killed_container_is_late() -> None:
    """The report names those whose stop timeout passed."""
    late = container(2, signalled_at=1, exited_at=31, killed=True, reason=StopReason.SPOT)
    report = judge([], [GONE, late])
    assert report.late == (late,)
    assert report.drains == (Drain("id2", 2, StopReason.SPOT, 30, True),)
    assert not report.is_clean


def test_a_drain_lasts_from_the_first_signal_to_the_last_exit() -> None:
    """Of a task with two containers; a task still stopping and one that died by itself have no drain."""
    report = judge(
        [],
        [
            container(1, "app", signalled_at=10, exited_at=14, reason=StopReason.SCALE_IN),
            container(1, "supervisor", signalled_at=14, exited_at=15, reason=StopReason.SCALE_IN),
            container(2, signalled_at=3, reason=StopReason.SCALE_IN),
            container(3, exited_at=2, reason=StopReason.ESSENTIAL_CONTAINER_EXITED),
        ],
    )
    assert report.drains == (Drain("id1", 1, StopReason.SCALE_IN, 5, False),)


def test_protection_calls_are_judged_by_their_bodies() -> None:
    """A refusal has status 200 too; other paths and unknown tasks are not counted."""
    report = judge(
        [],
        [],
        [
            call("id1", '{"protection":{}}'),
            call("id1", '{"failure":{}}'),
            call("id1", '{"error":{}}'),
            call("id1", "<html>"),
            call("id1", '["protection"]'),
            call("id1", "{}", "/v4/x"),
            call(None, '{"error":{}}'),
        ],
    )
    assert report.protection == {"id1": ProtectionUse(calls=5, granted=1, refused=1, failed=3)}


def test_records_are_read_line_by_line() -> None:
    """A line cut by a kill, and one that is no record, are left out."""
    line = json.dumps({"t": 1.5, "job": "a", "what": "start", "task": "2", "pid": 7})
    text = f'{line}\n\n[]\n{{"t": null}}\n{line[:20]}'
    assert read_jobs(text) == (JobRecord(1.5, "a", "start", "2", 7),)


def test_records_of_several_workers_are_merged_by_time() -> None:
    """Each worker writes a file of its own."""
    texts = [
        json.dumps({"t": at, "job": name, "what": "start", "task": "1", "pid": 7})
        for at, name in ((2, "b"), (1, "a"))
    ]
    assert [record.job for record in jobs_of(texts)] == ["a", "b"]
