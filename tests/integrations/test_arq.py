"""arq under the real supervisor, started as its users start it."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from tests.integrations.configuration import Job
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks.arq import DEFAULT, PATIENT, Arq
from tests.integrations.worker import Worker

ALL = pytest.mark.parametrize("arq", [DEFAULT, PATIENT], ids=lambda each: each.name)


@ALL
def test_a_stop_lets_jobs_end_and_none_begin(arq: Arq, run_worker: Run, setting_for: SettingFor) -> None:
    """Quiet is confirmed, short and long jobs end, the rest stays in the queue with all its tries, the status is 0."""
    setting = setting_for(arq)
    worker = run_worker(arq, setting)
    assert worker.until_attached(framework="arq", gate=True)["about"].startswith("arq ")
    arq.enqueue(setting, [Job("short", 0.0)])
    worker.until_ended("short")
    arq.enqueue(setting, [Job("long1", 2.0), Job("long2", 2.0)])
    worker.until_started("long1", "long2")
    rest = [f"later{number}" for number in range(10)]
    arq.enqueue(setting, [Job(name, 0.0) for name in rest])
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert worker.noted("quiet.confirmed", gates=1)
    assert sorted(worker.ended()) == sorted(worker.started())
    assert {"short", "long1", "long2"} <= set(worker.ended())
    assert arq.left(setting) == dict.fromkeys(set(rest) - set(worker.ended()), "queue")


def test_a_job_that_is_too_long_is_put_back_and_not_killed(run_worker: Run, setting_for: SettingFor) -> None:
    """Its settings say nothing of a completion wait: at the stop signal the hook gives arq what is left, less a second."""
    setting = setting_for(DEFAULT)
    worker = run_worker(DEFAULT, setting, stop_timeout=10)
    worker.until_attached()
    DEFAULT.enqueue(setting, [Job("endless", 60.0)])
    worker.until_busy(1)
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert DEFAULT.left(setting) == {"endless": "queue"}


def test_it_is_busy_exactly_while_a_job_runs(run_worker: Run, setting_for: SettingFor) -> None:
    """After success, failure, retry, abort and time limit nothing is held; a deferred job is held when it runs."""
    setting = setting_for(DEFAULT)
    worker = run_worker(DEFAULT, setting)
    worker.until_attached()
    DEFAULT.send(setting, ("work", "good", 2.0))
    worker.until(lambda: worker.holds() == ["work good"], "the job is held by its name")
    worker.until_protected()
    worker.until_idle()
    DEFAULT.send(setting, ("work", "deferred", 0.0), _defer_by=3)
    DEFAULT.send(setting, ("fail", "bad", 0.0), ("again", "again", 1.5), ("limited", "limited", 60.0))
    worker.until_started("bad", "again", "limited")
    worker.until_idle()
    DEFAULT.send(setting, ("work", "aborted", 60.0))
    worker.until_started("aborted")
    DEFAULT.abort(setting, "aborted")
    worker.until_ended("again", "deferred")
    names = [
        "again again",
        "again again",
        "fail bad",
        "limited limited",
        "work aborted",
        "work deferred",
        "work good",
    ]
    # A job is held before its name is known.
    worker.until(
        lambda: sorted(about for about in worker.held() if " " in about) == names, "each try was held"
    )
    worker.until_idle()
    assert worker.ended() == ["good", "again", "deferred"]
    assert DEFAULT.left(setting) == {}


def test_a_killed_supervisor_ends_the_worker_after_its_jobs(run_worker: Run, setting_for: SettingFor) -> None:
    """Nobody would protect the next job: none is fetched, and the one that runs is finished."""
    setting = setting_for(DEFAULT)
    worker = run_worker(DEFAULT, setting)
    worker.until_attached()
    DEFAULT.enqueue(setting, [Job("long", 3.0)])
    worker.until_busy(1)
    left = worker.descendants
    worker.send(signal.SIGKILL)
    worker.until(lambda: any("the supervisor has died" in line for line in worker.output), "it is noticed")
    DEFAULT.enqueue(setting, [Job("later", 0.0)])
    worker.until(lambda: not any(process.is_running() for process in left), "the worker has ended")
    assert worker.ended() == worker.started() == ["long"]
    assert DEFAULT.left(setting) == {"later": "queue"}


def test_a_job_hears_of_the_stop(run_worker: Run, setting_for: SettingFor) -> None:
    """In the event loop: stopping, and the seconds left."""
    setting = setting_for(DEFAULT)
    worker = run_worker(DEFAULT, setting)
    worker.until_attached()
    DEFAULT.send(setting, ("notice", "listens"))
    worker.until_started("listens")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    noticed = recorded(worker, "noticed")
    assert noticed["stopping"] is True
    assert noticed["seconds_left"] > 0


def test_a_command_of_a_job_is_not_attached(run_worker: Run, setting_for: SettingFor) -> None:
    """It inherits the environment and imports arq's worker, and nothing is wrapped there."""
    setting = setting_for(DEFAULT)
    worker = run_worker(DEFAULT, setting)
    worker.until_attached()
    DEFAULT.send(setting, ("command", "runs"))
    worker.until_ended("runs")
    assert recorded(worker, "command")["said"] == "False"


def recorded(worker: Worker, what: str) -> dict[str, Any]:
    """Return the one line with this word."""
    (line,) = (
        each for each in map(json.loads, worker.records.read_text().splitlines()) if each["what"] == what
    )
    return dict(line)
