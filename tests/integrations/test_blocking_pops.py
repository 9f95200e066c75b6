"""A worker that sits in a blocking pop when its gate shuts: what the pop brings goes back to where it was."""

from __future__ import annotations

import signal
from dataclasses import dataclass

import psutil
import pytest

from tests.integrations.brokers import redis_call
from tests.integrations.configuration import Attachable, Job
from tests.integrations.conftest import SettingFor
from tests.integrations.hooked import hooked
from tests.unit.hooks.fake_supervisor import QUIET, FakeSupervisor


@dataclass(frozen=True, slots=True)
class Pop:
    """command, count: what so many of the worker's connections wait in. back: what the hook alone sends here."""

    command: str
    count: int
    back: str


_HUEY, _RQ = Pop("brpop", 2, "rpush"), Pop("blmove", 1, "lpush")


@pytest.mark.parametrize(
    ("configuration", "pop"),
    [
        pytest.param("huey-threads-redis", _HUEY, id="huey-threads-redis"),
        pytest.param("huey-processes-redis", _HUEY, id="huey-processes-redis"),
        pytest.param("rq-worker", _RQ, id="rq-worker"),
        pytest.param("rq-simple", _RQ, id="rq-simple"),
    ],
    indirect=["configuration"],
)
def test_what_a_pop_brings_after_the_gate_was_shut_goes_back(
    configuration: Attachable, pop: Pop, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """Whatever the worker hears first when it goes on, the word or the job: nothing is lost and nothing starts late."""
    setting = setting_for(configuration)
    names: list[str] = []
    with hooked(configuration, setting, supervisor) as worker:
        worker.until_attached(configuration.gates)
        redis_call(setting.broker, "CONFIG", "RESETSTAT")
        while f"cmdstat_{pop.back}:" not in redis_call(setting.broker, "INFO", "commandstats"):
            assert len(names) < 60
            batch = [f"job{len(names) + more}" for more in range(3)]
            names += batch
            worker.until(lambda: _blocked(setting.broker, pop.command) == pop.count, "all wait in Redis")
            processes = [psutil.Process(worker.process.pid), *worker.others()]
            for each in processes:
                each.send_signal(signal.SIGSTOP)
            supervisor.say(QUIET)
            configuration.enqueue(setting, [Job(name, 0.0) for name in batch])
            for each in processes:
                each.send_signal(signal.SIGCONT)
            worker.until_gates("shut", configuration.gates)
            # One that the pop brought before the word was heard runs; the others have not been fetched, or are back.
            worker.until_nothing_held()
            assert sorted([*worker.jobs("end"), *configuration.left(setting)]) == sorted(names)
            worker.resume()
            worker.until_ended(*names)
            if pop.count == 1:
                # At the front: behind nothing that came after it.
                assert worker.jobs("end") == names
            assert len(worker.jobs("start")) == len(names)


def _blocked(url: str, command: str) -> int:
    """Return how many clients wait in this command. One that has used it and is idle still bears its name."""
    clients = redis_call(url, "CLIENT", "LIST").splitlines()
    return sum(1 for each in clients if f"cmd={command}" in each and " flags=b" in each)
