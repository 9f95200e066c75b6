"""Periodic tasks through a real minute: what a faked clock cannot show is that the daemon wakes up for it.

While working, what was due a moment ago will do: it is sent at the start, and nobody has to wait.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.process.harness import Run, supervised
from tests.rehearsals.deliveries import AWS, Stage, stage
from tests.thoroughness import enough

# How old the last run may be that is waited for, and how late it may have come.
OLDEST_SECONDS, LATEST_SECONDS = enough(120, 0), enough(140, 20)


@pytest.mark.soak
@pytest.mark.timeout(120)
def test_a_task_of_every_minute_comes_once_when_its_minute_begins(tmp_path: Path) -> None:
    """Two daemons send it, the FIFO queue takes one, and the app has it within seconds."""
    path = tmp_path / "cron.yaml"
    path.write_text('version: 1\ncron:\n - name: often\n   url: /often\n   schedule: "* * * * *"\n')
    with stage("--cron", str(path), name="jobs.fifo") as task:
        with supervised(options=task.words, env=AWS, mode="sqsd") as second:
            # Of wall clock time, which schedules are of.
            since = time.time() - OLDEST_SECONDS
            for run in (task.run, second):
                task.until(lambda run=run: max(runs(run), default=0.0) > since, "a minute begins", 70)
            task.until(lambda: agrees(task, second) and task.is_empty(), "each run has come once")
            assert time.time() - max(runs(second)) < LATEST_SECONDS


def agrees(task: Stage, second: Run) -> bool:
    """Say whether the queue and the app have had as many messages as there were runs."""
    due = len({*runs(task.run), *runs(second)})
    return task.server.history.counts("sent").total() == task.said("began").count("often") == due


def runs(run: Run) -> list[float]:
    """Return for when the runs were that a daemon has sent."""
    return [note["scheduled_at"] for note in run.notes if note["event"] == "periodic.sent"]
