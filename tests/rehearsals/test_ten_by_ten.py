"""Ten processes with ten threads each, for a while, judged by what they wrote down and what the agent saw."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from supervisor.emulator.agent import Agent
from supervisor.emulator.faults import Fault
from supervisor.emulator.world import World
from tests.process.harness import supervised
from tests.rehearsals.exposure import Held, longest_exposure, shortest_idleness
from tests.rehearsals.stage import ENVIRONMENT, NO_WAIT_SECONDS, actor, asked
from tests.thoroughness import enough
from tests.waiting import until

SECONDS = enough(12, 60)

PROCESSES, THREADS = 10, 10
SEED = 2026

RELEASE_DELAY_SECONDS = 0.5

# ECS answers after a third of a second here, so that many a job begins while a release is under way.
TIME_SCALE = 10.0

# For the way of a hold to the agent, on a machine that does other things as well.
SLACK_SECONDS = 1.0

# A job younger than this may be unknown where a release is decided; less than the delay, or nothing would be judged.
WAY_SECONDS = 0.45


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 60)
def test_a_hundred_threads_that_hold_and_release_at_random(tmp_path: Path) -> None:
    """No job is unprotected for longer than one round trip, one request at a time, and few of them for many jobs."""
    with Agent(World(), time_scale=TIME_SCALE) as agent:
        task_id = agent.world.add_task(agent.now())
        agent.faults.always(Fault.SLOW_ECS)
        pool = actor("pool", str(tmp_path), *map(str, (PROCESSES, THREADS, SECONDS, SEED)))
        options = ("--release-delay", f"{RELEASE_DELAY_SECONDS:g}")
        env = ENVIRONMENT | {"ECS_AGENT_URI": agent.uri(task_id)}
        with supervised(*pool, options=options, env=env) as run:
            run.until(lambda: "done" in run.output, "the pool has done its work", limit=SECONDS + 30)
            until(lambda: not agent.is_protected(task_id), why="nobody works, so nothing is protected")
            run.send(signal.SIGTERM)
            assert run.status() == 143
        calls = agent.protection_calls(task_id)
        most_in_flight = agent.max_in_flight(task_id)

    files = list(tmp_path.glob("*.json"))
    records = [record for file in files for record in json.loads(file.read_text())]
    held = [Held(begun, ended) for _, begun, ended, _ in records]
    orders = [asked(call) for call in calls]
    assert len(files) == PROCESSES
    assert orders.count("unprotect") > SECONDS / 6, "there were too few releases to learn anything from"
    assert len(records) > 20 * len(calls), "there were too few jobs to learn anything from"

    # Named one by one, because pytest would print the arguments, which are thousands of records.
    exposure = longest_exposure(held, calls)
    round_trip = max(call.seconds for call in calls)
    assert exposure < round_trip + SLACK_SECONDS
    assert most_in_flight == 1
    idleness = shortest_idleness(held, calls, WAY_SECONDS)
    assert idleness >= RELEASE_DELAY_SECONDS
    # One look in the beginning; then each release has waited for its delay, and is undone by one request.
    assert len(calls) <= 1 + 2 * (SECONDS / RELEASE_DELAY_SECONDS + 1)
    wait = max(max(begun - asked_at, done - ended) for asked_at, begun, ended, done in records)
    assert wait < NO_WAIT_SECONDS
