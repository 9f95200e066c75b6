"""A worker and its sidecar through a stop, in the order in which ECS stops the two."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.adapters.task_watch import BEGUN
from tests.rehearsals.pair import SEEN, SIDECAR_FIRST, TOGETHER, WORKER_FIRST, pair

# Two stop timeouts one after the other, on top of two starts on a busy machine.
pytestmark = pytest.mark.timeout(90)


def test_the_worker_is_stopped_first_and_the_sidecar_knows(tmp_path: Path) -> None:
    """Order A: ECS signals the worker; the sidecar closes admission at once, and is there until the last job has ended."""
    with pair(tmp_path, order=WORKER_FIRST) as task:
        name = task.begin_job(3.0)
        task.stop()
        report = task.until_stopped()
        sidecar, worker = task.container("sidecar"), task.container("worker")
        assert report.is_clean
        assert report.kept == (name,)
        assert (worker.exit_code, sidecar.exit_code) == (0, 0)
        assert worker.signalled_at is not None
        assert worker.exited_at is not None
        assert sidecar.signalled_at is not None
        assert worker.signalled_at < worker.exited_at <= sidecar.signalled_at
        [quiet] = [note for note in task.notes() if note["event"] == "task.quiet"]
        assert (quiet["reason"], quiet["in_flight"]) == (BEGUN, 1)
        assert not task.agent.is_protected(task.task.task_id)


@pytest.mark.parametrize("options", [(), SEEN], ids=["unseen", "seen"])
def test_both_are_signalled_at_once_and_the_sidecar_stays_longer(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Without an order, the sidecar does not go before the work has ended, and the worker where it is seen."""
    with pair(tmp_path, *options, order=TOGETHER, pid_mode="task") as task:
        if options:
            task.until_noted("worker.found")
        name = task.begin_job(2.0)
        task.stop()
        report = task.until_stopped()
        sidecar, worker = task.container("sidecar"), task.container("worker")
        assert report.is_clean
        assert (worker.exit_code, sidecar.exit_code) == (0, 0)
        assert sidecar.exited_at is not None
        assert sidecar.exited_at >= task.job_ended_at(name)
        assert ("worker.gone" in task.names()) == bool(options)
        assert not task.agent.is_protected(task.task.task_id)


def test_a_worker_that_never_exits_is_killed_and_the_sidecar_follows(tmp_path: Path) -> None:
    """Order A: at the worker's own stop timeout it is killed, its holds end with it, and the sidecar has no need of its time."""
    with pair(tmp_path, order=WORKER_FIRST, worker=("stays", "QUEUE"), worker_timeout=2.0) as task:
        task.until_protected()
        task.stop()
        report = task.until_stopped()
        sidecar = task.container("sidecar")
        assert [record.container for record in report.late] == ["worker"]
        assert sidecar.exit_code == 0
        assert sidecar.signalled_at is not None
        assert sidecar.exited_at is not None
        assert sidecar.exited_at - sidecar.signalled_at < 3.0


def test_the_sidecar_leaves_in_time_without_a_worker_that_never_exits(tmp_path: Path) -> None:
    """Signalled together with it, the sidecar waits until its own deadline, names what it leaves, and exits with 0."""
    with pair(
        tmp_path, *SEEN, order=TOGETHER, worker=("stays", "QUEUE"), sidecar_timeout=4.0, pid_mode="task"
    ) as task:
        task.until_noted("worker.found")
        task.until_protected()
        task.stop()
        report = task.until_stopped()
        assert [record.container for record in report.late] == ["worker"]
        assert task.container("sidecar").exit_code == 0
        assert "holds.abandoned" in task.names()
        assert not task.agent.is_protected(task.task.task_id)


@pytest.mark.parametrize("options", [(), SEEN], ids=["unseen", "seen"])
def test_early_notice_gives_the_work_both_stop_timeouts(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Order B: the worker is not signalled until the sidecar has gone, so a job may outlast the worker's stop timeout."""
    with pair(
        tmp_path,
        "--early-notice",
        *options,
        order=SIDECAR_FIRST,
        worker_timeout=2.0,
        sidecar_timeout=15.0,
        pid_mode="task",
    ) as task:
        name = task.begin_job(5.0)
        task.stop()
        task.until_noted("task.draining")
        late = task.add_job(0.0)
        report = task.until_stopped()
        sidecar, worker = task.container("sidecar"), task.container("worker")
        assert report.is_clean
        assert report.kept == (name,)
        assert late not in task.jobs("start")
        assert (worker.exit_code, sidecar.exit_code) == (0, 0)
        assert sidecar.exited_at is not None
        assert worker.signalled_at is not None
        assert task.job_ended_at(name) <= sidecar.exited_at <= worker.signalled_at


def test_early_notice_ends_with_the_sidecars_own_time(tmp_path: Path) -> None:
    """Order B with a job that never ends: the two stop timeouts pass one after the other, and then the worker is killed."""
    with pair(
        tmp_path,
        "--early-notice",
        order=SIDECAR_FIRST,
        worker=("stays", "QUEUE"),
        worker_timeout=2.0,
        sidecar_timeout=3.0,
    ) as task:
        task.until_protected()
        task.stop()
        report = task.until_stopped()
        sidecar, worker = task.container("sidecar"), task.container("worker")
        assert [record.container for record in report.late] == ["worker"]
        assert sidecar.exit_code == 0
        assert sidecar.signalled_at is not None
        assert sidecar.exited_at is not None
        assert worker.signalled_at is not None
        assert worker.exited_at is not None
        assert sidecar.exited_at <= worker.signalled_at
        assert worker.exited_at - sidecar.signalled_at > 2.0 + 2.0


def test_the_sidecar_stops_the_worker_itself(tmp_path: Path) -> None:
    """Order B with --stop-worker: the idle worker gets its stop signal from the sidecar, and none from ECS any more."""
    options = ("--early-notice", "--stop-worker", *SEEN)
    with pair(tmp_path, *options, order=SIDECAR_FIRST, pid_mode="task") as task:
        task.until_noted("worker.found")
        name = task.begin_job(2.0)
        task.stop()
        report = task.until_stopped()
        sidecar, worker = task.container("sidecar"), task.container("worker")
        assert report.is_clean
        assert report.kept == (name,)
        assert (worker.exit_code, sidecar.exit_code) == (0, 0)
        assert worker.signalled_at is None
        assert worker.exited_at is not None
        assert sidecar.exited_at is not None
        assert worker.exited_at <= sidecar.exited_at


@pytest.mark.parametrize(
    ("order", "options"), [(WORKER_FIRST, ()), (SIDECAR_FIRST, ("--early-notice",))], ids=["a", "b"]
)
def test_a_worker_that_crashes_takes_its_holds_and_its_sidecar_along(
    tmp_path: Path, order: dict[str, tuple[str, ...]], options: tuple[str, ...]
) -> None:
    """In either order ECS signals the sidecar at once; what the worker held has ended, so it leaves at once, with 0."""
    with pair(tmp_path, *options, order=order) as task:
        task.begin_job(60.0)
        task.kill("worker")
        report = task.until_stopped()
        sidecar = task.container("sidecar")
        assert not report.late
        assert (task.container("worker").exit_code, sidecar.exit_code) == (137, 0)
        assert sidecar.signalled_at is not None
        assert sidecar.exited_at is not None
        assert sidecar.exited_at - sidecar.signalled_at < 5.0
        assert "holder.died" in task.names()
        assert not task.agent.is_protected(task.task.task_id)


def test_a_sidecar_that_is_restarted_finds_everything_as_it_was(tmp_path: Path) -> None:
    """Killed in mid-job and started again in place: protection is adopted and holds, and the hold is back with the hook."""
    with pair(tmp_path, "--release-delay", "0", order=WORKER_FIRST, restarts=["sidecar"]) as task:
        name = task.begin_job(20.0)
        known = len(task.agent.protection_calls())
        task.kill("sidecar")
        task.until_noted("protection.adopted")
        task.until(lambda: name in task.jobs("end"), "the job has ended")
        task.until_protected(False)
        released = [call.at for call in task.agent.protection_calls()[known:] if b"false" in call.body]
        assert len(released) == 1
        assert released[0] >= task.job_ended_at(name)
        task.stop()
        assert task.until_stopped().is_clean
        assert [task.container("sidecar", start).exit_code for start in (1, 2)] == [137, 0]


def test_a_stop_right_after_a_restart_waits_for_who_comes_back(tmp_path: Path) -> None:
    """Order B: nobody has said yet what is in flight, but the sidecar does not take that for nothing."""
    with pair(
        tmp_path,
        "--early-notice",
        order=SIDECAR_FIRST,
        restarts=["sidecar"],
        worker_timeout=1.0,
        sidecar_timeout=30.0,
    ) as task:
        name = task.begin_job(10.0)
        task.kill("sidecar")
        task.until_noted("task.running", times=2)
        task.stop()
        report = task.until_stopped()
        assert report.is_clean
        assert report.kept == (name,)


def test_a_worker_that_is_restarted_is_found_again(tmp_path: Path) -> None:
    """A neighbour's end is no end of ours: while nobody has asked us to stop, the task goes on and so does the sidecar."""
    with pair(tmp_path, *SEEN, order=WORKER_FIRST, restarts=["worker"], pid_mode="task") as task:
        task.until_noted("worker.found")
        task.begin_job(60.0)
        task.kill("worker")
        task.until_noted("worker.found", times=2)
        assert task.names()[-3:].count("worker.gone") == 1
        assert "task.exited" not in task.names()
        task.stop()
        report = task.until_stopped()
        assert not report.late
        assert task.container("sidecar").exit_code == 0
