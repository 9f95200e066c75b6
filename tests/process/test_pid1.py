"""The supervisor as the first process of a PID namespace, as it is in a container."""

from __future__ import annotations

import signal
import subprocess

import psutil
import pytest

from tests.process.batch import statuses
from tests.process.harness import Run, Start, actor, namespace
from tests.process.storm import STORM, rage
from tests.process.test_checks_stop import QUICK, STOP_TIMEOUT_SECONDS
from tests.thoroughness import IS_THOROUGH, enough

# All; or the first, the last, and those that mean something to a shell, to ECS or to us.
STATUSES = range(256) if IS_THOROUGH else (0, 1, 2, 64, 70, 78, 126, 127, 128, 130, 137, 143, 254, 255)

ORPHANS = 1000

# What a thousand orphans may leave behind: less than half a kibibyte for each.
GROWTH_BYTES = 400 * 1024


@pytest.mark.soak
@pytest.mark.timeout(enough(60, 300))
def test_check_exit_codes(command: str) -> None:
    """Every status that a process can exit with is passed on."""
    exiting = [[*namespace(), command, "run", "--", "sh", "-c", f"exit {status}"] for status in STATUSES]
    assert statuses(exiting) == list(STATUSES)


@pytest.mark.timeout(60)
def test_check_reap_orphans_pid1(start: Start) -> None:
    """A thousand orphans are collected: no zombie stays, and they are not remembered for ever."""
    with start(*actor("orphans"), stdin=subprocess.PIPE, as_pid_1=True) as run:
        run.until_output("ready")
        run.until_noted("task.running")
        supervisor = psutil.Process(run.pid)
        sizes = []
        for times in (1, 2, 3):
            run.write(f"{ORPHANS}\n")
            _have_left(run, times)
            run.until(lambda: len(supervisor.children(recursive=True)) == 1, "only the worker is there")
            sizes.append(supervisor.memory_info().rss)
        # The first thousand fill the journal, which keeps no more than that; by the second all is loaded, on a busy machine too.
        assert sizes[-1] - sizes[-2] < GROWTH_BYTES
        run.write("", end=True)
        assert run.status() == 0


def test_check_deadline_kill_pid1(start: Start) -> None:
    """A worker that ignores everything is gone before the deadline, and its descendants in other sessions with it."""
    with start(*actor("family", "deaf"), options=QUICK, as_pid_1=True) as run:
        run.until_output("ready")
        status, seconds = run.timed_stop()
        assert status == 137
        assert 0.5 <= seconds < STOP_TIMEOUT_SECONDS
        assert run.marked() == []


def test_a_storm_of_stop_signals_is_one_stop_request(start: Start) -> None:
    """A thousand a second: one deadline, one signal to the worker, and no other signal is lost."""
    with start(*actor("endures"), options=STORM, as_pid_1=True) as run:
        rage(run)


def test_signals_without_a_handler_do_not_end_it(start: Start) -> None:
    """What the kernel would discard for PID 1 reaches the worker, and only the worker's end is our end."""
    with start(*actor("endures"), as_pid_1=True) as run:
        run.until_output("ready")
        for name in ("SIGHUP", "SIGUSR1", "SIGALRM", "SIGPWR"):
            run.send(signal.Signals[name])
            run.until_output(name)
        (worker,) = psutil.Process(run.pid).children()
        worker.kill()
        assert run.status() == 137


def _have_left(run: Run, times: int) -> None:
    run.until(lambda: run.output.count("left") == times, "the worker has left its orphans", limit=30)
