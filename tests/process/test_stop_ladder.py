"""The stop sequence against workers of every kind: what they are sent, in which order, and when.

Where a stage must not end early, the time it took is compared with its seconds. The only upper bound is the promise itself:
that we have exited before the stop timeout is over.
"""

from __future__ import annotations

import signal
import subprocess
from contextlib import ExitStack

import psutil
import pytest

from tests.process.harness import Run, actor, supervised

STOP_TIMEOUT_SECONDS = 6


def sequence(stages: str) -> tuple[str, ...]:
    return ("--stop-timeout", str(STOP_TIMEOUT_SECONDS), "--exit-margin", "1", "--stop-sequence", stages)


def stopped(run: Run, number: int = signal.SIGTERM, least: float = 0) -> int:
    """Stop a worker that is ready, see that it took its time and was in time, and return the status."""
    run.until_ready()
    run.until_noted("task.running")
    status, seconds = run.timed_stop(number)
    assert least <= seconds < STOP_TIMEOUT_SECONDS
    return status


def told(run: Run) -> list[str]:
    """Return the signals that the worker says it got, without the CONT that follows each stop signal."""
    return [line for line in run.output[1:] if line != "SIGCONT"]


def test_each_stage_sends_its_signal_once_and_in_order() -> None:
    """A worker that none of them ends sees INT, then TERM, then QUIT, each once, and then nothing more."""
    with supervised(*actor("endures"), options=sequence("INT 0.3 TERM 0.3 QUIT 0.3 KILL 1")) as run:
        assert stopped(run, least=0.9) == 137
        assert told(run) == ["SIGINT", "SIGTERM", "SIGQUIT"]


def test_a_wait_keeps_the_worker_serving() -> None:
    """WAIT sends nothing and does not end early, although nothing is in flight."""
    with supervised(*actor("waits"), options=sequence("WAIT 0.5 TERM 4 KILL 0.5")) as run:
        assert stopped(run, least=0.5) == 0
        assert told(run) == ["SIGTERM"]


def test_quiet_ends_when_nothing_is_in_flight() -> None:
    """A worker without hooks does not wait for the quiet stage's seconds, and later stages get what it has left."""
    with supervised(*actor("endures"), options=sequence("QUIET 1 TERM 0.5 KILL 1")) as run:
        assert stopped(run, least=1.5) == 137
        assert told(run) == ["SIGTERM"]
        assert run.names().index("task.stopping") < run.names().index("task.killing")


@pytest.mark.parametrize(
    ("stage", "quiet"), [("TSTP 0.5", "SIGTSTP"), ("WINCH 0.5", "SIGWINCH"), ("quiet:USR1 0.5", "SIGUSR1")]
)
def test_quiet_by_signal(stage: str, quiet: str) -> None:
    """A quiet stage with a signal sends it once, and lasts while work is in flight."""
    with supervised(*actor("endures", "hold"), options=sequence(f"{stage} TERM 0.5 KILL 1")) as run:
        assert stopped(run, least=1) == 137
        assert told(run) == [quiet, "SIGTERM"]


def test_every_profile_has_its_own_sequence() -> None:
    """What each kind of worker is sent when it does not exit: its own signals, once each, then SIGKILL."""
    signals = {
        "plain": ["SIGTERM"],
        "celery": ["SIGTERM"],
        "rq": ["SIGTERM"],
        "dramatiq": ["SIGTERM"],
        "huey": ["SIGINT"],
        "gunicorn": ["SIGTERM"],
        "sidekiq": ["SIGTSTP", "SIGTERM"],
    }
    with ExitStack() as all_of_them:
        runs = {
            profile: all_of_them.enter_context(
                supervised(
                    *actor("endures", "hold"),
                    options=(
                        *("--no-attach", "--profile", profile),
                        *("--stop-timeout", str(STOP_TIMEOUT_SECONDS / 2)),
                    ),
                )
            )
            for profile in signals
        }
        for run in runs.values():
            run.until_ready()
            run.until_noted("task.running")
            run.send(signal.SIGTERM)
        assert {run.status() for run in runs.values()} == {137}
        assert {profile: told(run) for profile, run in runs.items()} == signals


@pytest.mark.parametrize("name", ["TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "WINCH", "RTMIN+3"])
def test_every_stop_signal_means_the_same(name: str) -> None:
    """Whatever signal the image has as its STOPSIGNAL, the worker is sent what its sequence says."""
    number = signal.SIGRTMIN + 3 if name == "RTMIN+3" else signal.Signals[f"SIG{name}"]
    options = (*sequence("TERM 4 KILL 0.5"), "--stop-signals", name)
    with supervised(*actor("prints_signals"), options=options) as run:
        assert stopped(run, number) == 0
        assert told(run) == []


def test_only_the_main_process_is_signalled() -> None:
    """A pool's processes are the worker's business, unless its whole group is wanted."""
    with supervised(*actor("pool")) as run:
        run.until(lambda: {"main ready", "pool ready"} == set(run.output), "both are ready")
        run.send(signal.SIGUSR1)
        run.until_output("main SIGUSR1")
        assert stopped(run) == 0
        assert run.output[2:] == ["main SIGUSR1", "main SIGTERM"]


def test_the_whole_group_is_signalled_where_it_is_wanted() -> None:
    """With `--signal-target group` stop and forwarded signals reach every process of the group."""
    with supervised(*actor("pool"), options=("--signal-target", "group")) as run:
        run.until(lambda: {"main ready", "pool ready"} == set(run.output), "both are ready")
        run.send(signal.SIGUSR1)
        run.until(lambda: {"main SIGUSR1", "pool SIGUSR1"} <= set(run.output), "both have it")
        assert stopped(run) == 0
        assert "main SIGTERM" in run.output


def test_a_worker_that_was_put_to_sleep_is_woken_to_stop() -> None:
    """SIGCONT follows a stop signal, or a stopped worker would not see it until it is killed."""
    with supervised(*actor("waits", "5"), options=sequence("TERM 4 KILL 0.5")) as run:
        run.until_ready()
        worker = psutil.Process(int(run.output[0].split()[1]))
        worker.suspend()
        run.until(lambda: worker.status() == psutil.STATUS_STOPPED, "the worker is stopped")
        assert stopped(run) == 5
        assert told(run) == ["SIGTERM"]


def test_a_killed_workers_status_can_be_replaced() -> None:
    """`--remap-exit` also holds where the worker had to be killed."""
    options = (*sequence("TERM 0.2 KILL 1"), "--remap-exit", "137=3,143=0")
    with supervised(*actor("endures"), options=options) as run:
        assert stopped(run) == 3


def test_a_worker_that_is_about_to_be_started_again_is_not() -> None:
    """A stop that comes while there is no worker ends at once, with the last worker's status."""
    options = ("--restart", "always", "--stop-timeout", "60")
    with supervised("sh", "-c", "echo ready; exit 9", options=options) as run:
        run.until_noted("worker.exited")
        assert stopped(run) == 9
        assert run.names().count("worker.started") in (1, 2)


def test_a_worker_that_was_started_again_is_stopped_like_the_first() -> None:
    """The sequence is for the worker there is, with its new number."""
    with supervised(*actor("waits", "5"), options=("--restart", "on-failure")) as run:
        run.until_ready()
        psutil.Process(int(run.output[0].split()[1])).kill()
        run.until(lambda: len(run.output) == 2, "its successor is ready")
        run.send(signal.SIGTERM)
        assert run.status() == 5
        assert run.output[2:] == ["SIGTERM"]


def test_the_end_of_the_worker_ends_every_stage() -> None:
    """A worker that exits while it is only to be quiet is not waited for any longer."""
    with supervised(
        *("sh", "-c", "echo ready; read line; exit 4"),
        options=("--stop-timeout", "60", "--stop-sequence", "WAIT 40 TERM 10 KILL"),
        stdin=subprocess.PIPE,
    ) as run:
        run.until_output("ready")
        run.send(signal.SIGTERM)
        run.until_noted("task.draining")
        run.write("\n", end=True)
        assert run.status() == 4
        assert "task.killing" not in run.names()
