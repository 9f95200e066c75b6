"""A worker that only speaks HTTP, with a sidecar, through what a worker with a hook goes through as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rehearsals.pair import SIDECAR_FIRST, WORKER_FIRST, pair

# A start of two containers on a busy machine, and two stop timeouts.
pytestmark = pytest.mark.timeout(60)

POSTS = ("posts", "QUEUE")
ORDERS = [(WORKER_FIRST, ()), (SIDECAR_FIRST, ("--early-notice",))]


@pytest.mark.parametrize(("order", "options"), ORDERS, ids=["a", "b"])
def test_its_jobs_are_waited_for_in_either_order(
    tmp_path: Path, order: dict[str, tuple[str, ...]], options: tuple[str, ...]
) -> None:
    """A job that it has claimed is protected, waited for, and the next one is not begun."""
    with pair(tmp_path, *options, order=order, worker=POSTS) as task:
        name = task.begin_job(4.0)
        task.stop()
        task.until_noted("task.quiet" if not options else "task.draining")
        late = task.add_job(0.0)
        report = task.until_stopped()
        assert report.is_clean
        assert report.kept == (name,)
        assert late not in task.jobs("start")
        assert [task.container(each).exit_code for each in ("worker", "sidecar")] == [0, 0]
        assert not task.agent.is_protected(task.task.task_id)


def test_early_notice_outlasts_its_stop_timeout(tmp_path: Path) -> None:
    """Order B: a job longer than the worker's own stop timeout ends all the same."""
    with pair(
        tmp_path,
        "--early-notice",
        order=SIDECAR_FIRST,
        worker=POSTS,
        worker_timeout=1.0,
        sidecar_timeout=12.0,
    ) as task:
        task.begin_job(4.0)
        task.stop()
        assert task.until_stopped().is_clean


def test_nobody_waits_for_the_hold_of_a_dead_worker(tmp_path: Path) -> None:
    """Its hold would last ten minutes more; but metadata says that every other container has ended, and so it has too."""
    with pair(tmp_path, order=WORKER_FIRST, worker=POSTS, sidecar_timeout=20.0) as task:
        task.begin_job(60.0)
        task.kill("worker")
        report = task.until_stopped()
        sidecar = task.container("sidecar")
        assert not report.late
        assert sidecar.exit_code == 0
        assert sidecar.signalled_at is not None
        assert sidecar.exited_at is not None
        assert sidecar.exited_at - sidecar.signalled_at < 10.0
        assert "holder.died" in task.names()
        assert not task.agent.is_protected(task.task.task_id)
