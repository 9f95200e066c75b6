"""What the demo says of its jobs, from records that were made up for it."""

from __future__ import annotations

from dataclasses import replace

from supervisor.demo.outcome import Ending, Outcome, outcome_of, runs_of
from supervisor.demo.stream import PlannedJob
from supervisor.emulator.evidence import ContainerRecord, JobRecord
from supervisor.emulator.tasks import StopReason

PLANNED = (PlannedJob("01-video", 0.0, 8.0), PlannedJob("02-email", 0.0, 1.0))

RUNNING = ContainerRecord("a", 1, "worker", 10, 0.0, 6.0)
STOPPED = replace(RUNNING, stop_reason=StopReason.SCALE_IN, signalled_at=5.0, exited_at=6.0, exit_code=143)
SECOND = ContainerRecord("b", 2, "worker", 11, 0.0, 6.0)


def record(at: float, job: str, what: str, task: int = 1) -> JobRecord:
    return JobRecord(at, job, what, str(task), 9 + task)


def outcome(*jobs: JobRecord, containers: tuple[ContainerRecord, ...] = (STOPPED, SECOND)) -> Outcome:
    return outcome_of(PLANNED, jobs, containers, (), {"scale-in": 3.0, "end": 20.0}, 30.0)


def test_a_start_without_an_end_was_killed_when_its_task_has_exited() -> None:
    """It ended with its task; in a task that runs it goes on until now."""
    jobs = (record(1.0, "01-video", "start"), record(2.0, "02-email", "start", task=2))
    killed, running = runs_of(jobs, (STOPPED, SECOND), 30.0)
    assert (killed.ending, killed.until, killed.seconds) == (Ending.KILLED, 6.0, 5.0)
    assert (running.ending, running.until) == (Ending.RUNNING, 30.0)


def test_a_job_that_is_started_again_is_a_second_attempt() -> None:
    """It is finished once and was run twice, and the first attempt was work for nothing."""
    found = outcome(
        record(1.0, "01-video", "start"),
        record(9.0, "01-video", "start", task=2),
        record(17.0, "01-video", "end", task=2),
        record(18.0, "02-email", "start", task=2),
        record(19.0, "02-email", "end", task=2),
    )
    assert found.finished == ("01-video", "02-email")
    assert found.unfinished == ()
    assert found.run_twice == ("01-video",)
    assert [(run.job, run.attempt) for run in found.killed] == [("01-video", 1)]
    assert found.wasted_seconds == 5.0
    assert [run.attempt for run in found.runs] == [1, 2, 1]


def test_steps_and_drains_are_timed() -> None:
    """A step is done with the exit of the last task it stopped; a drain lasts from the signal to the exit."""
    found = outcome(record(1.0, "02-email", "start"), record(2.0, "02-email", "end"))
    assert found.steps == {"scale-in": 3.0, "deployment": None}
    assert [(drain.task_number, drain.seconds) for drain in found.drains] == [(1, 1.0)]


def test_tasks_that_are_sent_home_are_not_part_of_the_story() -> None:
    """The scale-in to zero at the end is no scale-in of the demo."""
    home = replace(SECOND, stop_reason=StopReason.SCALE_IN, signalled_at=20.5, exited_at=25.0)
    found = outcome(containers=(STOPPED, home))
    assert found.steps["scale-in"] == 3.0
    assert len(found.drains) == 1


def test_a_run_that_the_end_of_the_demo_cut_was_not_killed() -> None:
    """It is a job that nobody finished, and no work of the scale-in."""
    home = replace(SECOND, stop_reason=StopReason.SCALE_IN, signalled_at=20.5, exited_at=25.0)
    found = outcome(record(19.0, "01-video", "start", task=2), containers=(STOPPED, home))
    assert [run.ending for run in found.runs] == [Ending.RUNNING]
    assert found.killed == found.killed_by(StopReason.SCALE_IN) == ()
    assert "01-video" in found.unfinished


def test_protection_promises_to_keep_a_job_from_scale_in_and_deployment() -> None:
    """Whatever is left of it."""
    for reason in (StopReason.SCALE_IN, StopReason.DEPLOYMENT):
        stopped = replace(STOPPED, stop_reason=reason)
        found = outcome(record(1.0, "01-video", "start"), containers=(stopped, SECOND))
        assert [run.job for run in found.broken_promises] == ["01-video"]
        assert [run.job for run in found.killed_by(reason)] == ["01-video"]
        assert not found.is_as_promised


def test_from_stop_task_only_a_job_that_fits_into_the_drain_is_kept() -> None:
    """Nothing was promised to one of which more is left than the drain is long."""
    stopped = replace(STOPPED, stop_reason=StopReason.USER)
    started_late = outcome(record(4.0, "01-video", "start"), containers=(stopped, SECOND))
    assert started_late.left_at_stop(started_late.runs[0]) == 7.0
    assert started_late.broken_promises == ()
    started_early = outcome(record(1.0, "01-video", "start"), containers=(stopped, SECOND))
    assert started_early.left_at_stop(started_early.runs[0]) == 4.0
    assert [run.job for run in started_early.broken_promises] == ["01-video"]


def test_a_task_that_died_by_itself_breaks_the_promise() -> None:
    """Nobody stopped it, so there is no excuse for the job that died with it."""
    died = replace(RUNNING, exited_at=6.0, stop_reason=StopReason.ESSENTIAL_CONTAINER_EXITED)
    found = outcome(record(1.0, "01-video", "start"), containers=(died, SECOND))
    assert found.left_at_stop(found.runs[0]) is None
    assert found.broken_promises == found.killed


def test_a_job_that_nobody_finished_breaks_the_promise() -> None:
    """A supervised side that keeps every job by never running one would be worth nothing."""
    found = outcome(record(1.0, "02-email", "start", task=2), record(2.0, "02-email", "end", task=2))
    assert found.unfinished == ("01-video",)
    assert found.broken_promises == ()
    assert not found.is_as_promised
