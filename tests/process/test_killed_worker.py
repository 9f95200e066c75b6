"""A process that is killed at its work holds nothing any more, whoever has inherited what it had open."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from tests.process.harness import ROOT, Run, actor, supervised

# What is promised. It takes a millisecond; the rest is for slow machines.
WITHIN_SECONDS = 1.0

DRAIN = ("--stop-timeout", "30", "--stop-sequence", "QUIET 20 TERM 5 KILL")


@pytest.mark.parametrize("as_pid_1", [False, True], ids=["below an init", "as PID 1"])
@pytest.mark.parametrize("is_inherited", [False, True], ids=["alone", "with a child"])
def test_a_job_ends_with_the_process_that_does_it(is_inherited: bool, as_pid_1: bool) -> None:
    """SIGKILL in the middle of a job: within a second its hold is gone, and a stop does not wait for it."""
    worker = actor("job_in_a_fork", str(ROOT))
    with supervised(*worker, options=DRAIN, stdin=subprocess.PIPE, as_pid_1=as_pid_1) as run:
        run.until_output("working")
        run.until(lambda: _instants(run, "HoldTaken"), "the supervisor knows of the job")
        if is_inherited:
            run.write("fork\n")
            run.until_output("forked")
        run.write("kill\n")
        run.until(lambda: _instants(run, "HolderDied"), "the supervisor knows of the death")
        ((died_at,), killed_at) = _instants(run, "HolderDied"), float(run.output[-1].removeprefix("killed "))
        assert died_at - killed_at < WITHIN_SECONDS
        run.send(signal.SIGTERM)
        assert run.status() == 143
        assert "holds.abandoned" not in run.names()


def _instants(run: Run, event: str) -> list[float]:
    """Return when the supervisor learnt of facts of this kind, by the clock that all processes share."""
    entries = [json.loads(line) for line in run.journal()[1:]]
    return [entry["at"] for entry in entries if event in entry["event"]]
