"""Jobs of a millisecond over the real hook and socket: said in breaths, all counted, and none missed by a stop or an exit."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.process.harness import ROOT, Run, supervised

JOBS = 300
DRAIN = ("--stop-timeout", "30", "--stop-sequence", "QUIET 20 TERM 5 KILL")

WORKER = f"""
import sys, threading
from supervisor.hooks._client import client
from supervisor.hooks.job import gate, job

def work(count):
    for _ in range(count):
        with job("short"):
            threading.Event().wait(0.001)

here = client()
assert here.waiting.wait(here.spoken, 30)
work({JOBS})
print("done", flush=True)
if sys.stdin.readline() == "leave\\n":
    work({JOBS})
else:
    print("busy", flush=True)
    while gate.open():
        work(1)
    print("quiet", flush=True)
"""


def test_every_job_is_known_and_most_are_only_counted() -> None:
    """What was named and what was counted is what ran; when nothing more begins nothing is held."""
    with working() as run:
        run.until(lambda: _known(run) == JOBS, "every job is known")
        facts = [entry["event"] for entry in _journal(run)]
        assert sum("HoldTaken" in fact for fact in facts) < JOBS / 2
        run.until(lambda: _is_idle(run), "nothing is held")


def test_a_stop_waits_for_the_last_of_them() -> None:
    """The worker is asked to exit after its last job, which is told of without delay, and nothing is given up."""
    with working() as run:
        run.write("go\n")
        run.until_output("busy")
        run.send(signal.SIGTERM)
        run.until_output("quiet")
        run.status()
        assert not {"holds.abandoned", "holder.died"} & set(run.names())


def test_a_program_that_ends_in_mid_breath_has_ended_its_jobs() -> None:
    """What was not said yet is said on the way out: an exit in order is no death at work."""
    with working() as run:
        run.write("leave\n")
        assert run.status() == 0
        assert "holder.died" not in run.names()


@contextmanager
def working() -> Iterator[Run]:
    """Give a supervisor whose worker has done its first jobs."""
    worker = (sys.executable, "-c", WORKER)
    with supervised(*worker, options=DRAIN, env={"PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE) as run:
        run.until_output("done")
        yield run


def _journal(run: Run) -> list[dict[str, dict[str, dict[str, int]]]]:
    return [json.loads(line) for line in run.journal()[1:]]


def _known(run: Run) -> int:
    facts = [entry["event"] for entry in _journal(run)]
    named = {str(fact["HoldTaken"]["hold"]) for fact in facts if "HoldTaken" in fact}
    return len(named) + sum(fact["JobsCounted"]["count"] for fact in facts if "JobsCounted" in fact)


def _is_idle(run: Run) -> bool:
    facts = [entry["event"] for entry in _journal(run)]
    named = {str(fact["HoldTaken"]["hold"]) for fact in facts if "HoldTaken" in fact}
    return named == {str(fact["HoldReleased"]["hold"]) for fact in facts if "HoldReleased" in fact}
