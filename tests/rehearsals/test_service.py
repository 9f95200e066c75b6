"""ECS scales in, deploys and stops tasks of a service whose workers never run out of work; no job is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.emulator.tasks import StopReason, TaskPhase
from tests.rehearsals.service import Service, service

pytestmark = pytest.mark.timeout(90)

# More than any of these tests lasts.
PLENTY = 200


def test_a_scale_in_takes_the_idle_task_and_spares_the_busy_one(tmp_path: Path) -> None:
    """The oldest task would be the first to go; while it works, a younger one goes that does not."""
    with service(tmp_path, "--release-delay", "0", tasks=1, jobs=[4.0]) as running:
        running.until(lambda: running.is_protected(1), "the job's task is protected")
        running.orders.scale(2)
        running.until(lambda: running.gate(2) == ["opened"], "the second task is ready for work")
        running.orders.scale(1)
        stopped = running.until_stopped(2)
        assert stopped.stop_reason is StopReason.SCALE_IN
        assert stopped.exit_code == 0
        running.until(lambda: running.report().kept, "the job is done")
        running.until(lambda: not running.is_protected(1), "its task is not protected any more")
        assert running.task(1).phase is TaskPhase.RUNNING
        assert running.report().is_clean


def test_a_deployment_gets_through_although_the_queue_is_never_empty(tmp_path: Path) -> None:
    """C29: a task that always works would be protected for ever and starve the deployment; its budget ends that.

    The new task is told so by a refusal, is quiet meanwhile, and takes over when the old one has gone.
    """
    options = ("--protected-budget", "0.1", "--release-delay", "1", "--release-window", "2")
    with service(tmp_path, *options, tasks=1, threads=2, jobs=[1.0, 1.4] * PLENTY) as running:
        running.until(lambda: running.is_protected(1), "the first task works and is protected")
        assert running.orders.deploy()
        running.until(lambda: "shut" in running.gate(2), "the new task is refused, and goes quiet")
        assert running.task(1).phase is TaskPhase.RUNNING
        stopped = running.until_stopped(1)
        assert stopped.stop_reason is StopReason.DEPLOYMENT
        _was_idle_when_signalled(running, 1)
        running.until(lambda: running.gate(2)[-1] == "opened", "the new task takes work again")
        running.until(lambda: running.is_protected(2), "the new task works and is protected")
        assert running.waiting
        assert running.report().is_clean


def test_a_scale_in_that_waits_for_busy_tasks_makes_them_quiet(tmp_path: Path) -> None:
    """C29: where every task is protected ECS refuses to renew; they finish, take nothing more, and one of them goes."""
    # Asked for again after five seconds, the least there is.
    options = ("--lease", "1", "--renew-before", "0.95", "--release-delay", "0", "--release-window", "1")
    with service(tmp_path, *options, tasks=2, jobs=[9.0, 9.0, *[0.5] * PLENTY]) as running:
        running.until(
            lambda: running.is_protected(1) and running.is_protected(2), "both tasks work and are protected"
        )
        running.orders.scale(1)
        for number in (1, 2):
            running.until(lambda each=number: "shut" in running.gate(each), "the task goes quiet")  # type: ignore[misc]
            assert len(running.started(number)) == 1
            assert running.is_protected(number)
        running.until(
            lambda: any(record.exited_at for record in running.host.records), "one task has stopped"
        )
        [gone] = [record for record in running.host.records if record.exited_at]
        left = 3 - gone.task_number
        assert gone.stop_reason is StopReason.SCALE_IN
        assert len(running.started(gone.task_number)) == 1
        _was_idle_when_signalled(running, gone.task_number)
        running.until(lambda: running.gate(left)[-1] == "opened", "the other takes work again")
        running.until(lambda: len(running.started(left)) > 1, "and gets some")
        assert running.task(left).phase is TaskPhase.RUNNING
        assert running.report().is_clean


def test_a_person_stops_a_busy_task(tmp_path: Path) -> None:
    """StopTask does not ask for protection: the job is finished in the time there is, and nothing new is begun."""
    with service(tmp_path, tasks=1, jobs=[2.5, *[0.5] * PLENTY]) as running:
        running.until(lambda: running.is_protected(1), "the task works and is protected")
        _stop(running, 1)
        stopped = running.until_stopped(1)
        assert stopped.stop_reason is StopReason.USER
        assert stopped.exit_code == 0
        assert len(running.started(1)) == 1
        assert running.report().is_clean


def test_a_person_stops_a_task_whose_job_is_longer_than_the_stop_timeout(tmp_path: Path) -> None:
    """What cannot be finished in time is lost, but named, and the container has exited before ECS has to kill it."""
    with service(tmp_path, tasks=1, jobs=[60.0], stop_timeout=4.0) as running:
        running.until(lambda: running.is_protected(1), "the task works and is protected")
        _stop(running, 1)
        stopped = running.until_stopped(1)
        assert not stopped.killed
        assert stopped.exit_code == 137
        assert running.report().lost == ("0001-60",)
        said = running.host.output_path(stopped.task_id, "worker").read_text()
        [named] = [line for line in said.splitlines() if '"holds.abandoned"' in line]
        assert "0001-60" in named


def _stop(running: Service, number: int) -> None:
    # In one breath: between the two the service would start another task.
    with running.agent.world_lock:
        running.orders.scale_by(-1)
        running.orders.stop_task(running.task(number).task_id)


def _was_idle_when_signalled(running: Service, number: int) -> None:
    signalled_at = running.container(number).signalled_at
    assert signalled_at is not None
    assert running.running_at(number, signalled_at) == set()
