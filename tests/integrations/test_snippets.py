"""The clients of task-definitions/, each in its own language: what a worker with one does, with a sidecar and without."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from tests.integrations import snippet
from tests.integrations.brokers import broker_for, free_port
from tests.integrations.configuration import Job, Setting
from tests.integrations.conftest import SettingFor
from tests.integrations.frameworks import BESIDE, configurations
from tests.integrations.frameworks.beside import Beside
from tests.integrations.stops import run
from tests.integrations.verdict import judge

NAMES = ("shell", "php", "go", "sidekiq", "bullmq")
# What the standard library of the others cannot.
OVER_UNIX = ("shell", "go", "bullmq")

TTL_SECONDS = 60


@pytest.fixture(params=NAMES)
def beside(request: pytest.FixtureRequest) -> Beside:
    known, missing = configurations(BESIDE)
    found = [each for each in known if each.name == f"{request.param}-sidecar"]
    assert found, missing
    return cast(Beside, found[0])


@pytest.fixture
def setting(beside: Beside, setting_for: SettingFor) -> Setting:
    return setting_for(beside)


@pytest.fixture
def sidecar(tmp_path: Path) -> Iterator[snippet.Sidecar]:
    with snippet.sidecar(tmp_path, f"http://127.0.0.1:{free_port()}") as it:
        yield it


def test_a_job_is_held_while_it_runs(beside: Beside, setting: Setting, sidecar: snippet.Sidecar) -> None:
    """One hold a job, which is named, refreshed before its time to live has passed, and ended with the job."""
    beside.enqueue(setting, [Job("a", 4.0)])
    with snippet.snippet(beside, setting, sidecar.api) as worker:
        worker.until_started("a")
        [hold] = sidecar.holds()
        assert hold["holder"] == "api"
        assert hold["about"]
        worker.until(
            lambda: (
                [each["age"] > 2 and each["expires_in"] > TTL_SECONDS - 2 for each in sidecar.holds()]
                == [True]
            ),
            "the hold is refreshed",
        )
        worker.until(lambda: not sidecar.holds(), "the hold has ended")
        assert worker.jobs("end") == ["a"]


@pytest.mark.parametrize("beside", OVER_UNIX, indirect=True)
def test_a_job_is_held_over_a_unix_socket(beside: Beside, setting: Setting, tmp_path: Path) -> None:
    """Where the language's own library can, `unix:PATH` serves as well as an address."""
    beside.enqueue(setting, [Job("a", 1.0)])
    with (
        snippet.sidecar(tmp_path, f"unix:{tmp_path}/s") as sidecar,
        snippet.snippet(beside, setting, sidecar.api) as worker,
    ):
        worker.until_started("a")
        assert len(sidecar.holds()) == 1
        worker.until(lambda: not sidecar.holds(), "the hold has ended")


def test_two_jobs_are_two_holds(beside: Beside, setting: Setting, sidecar: snippet.Sidecar) -> None:
    """Whoever runs several at a time, or is one of several workers of a task, has an id of its own for each."""
    beside.enqueue(setting, [Job("a", 3.0), Job("b", 3.0)])
    other = replace(setting, folder=setting.folder / "other")
    other.folder.mkdir()
    (other.folder / "queue").symlink_to(setting.folder / "queue")
    with (
        snippet.snippet(beside, setting, sidecar.api) as worker,
        snippet.snippet(beside, other, sidecar.api),
    ):
        worker.until(lambda: len(sidecar.holds()) == 2, "both jobs are held")


def test_no_job_is_fetched_while_none_is_welcome(beside: Beside, setting: Setting) -> None:
    """The worker asks, and asks again, and begins when it hears that work is welcome."""
    with snippet.saying() as supervisor:
        supervisor.welcome = False
        with snippet.snippet(beside, setting, supervisor.address) as worker:
            worker.until(lambda: supervisor.count("GET") > 2, "the worker asks")
            beside.enqueue(setting, [Job("a", 0.0)])
            known = supervisor.count("GET")
            worker.until(lambda: supervisor.count("GET") > known + 3, "the worker asks on")
            assert beside.left(setting) == {"a": "queue"}
            assert supervisor.count("PUT") == 0
            supervisor.welcome = True
            worker.until_ended("a")


def test_a_running_worker_stops_fetching(beside: Beside, setting: Setting) -> None:
    """When it has heard that no work is welcome, the job that runs is finished, and the next one stays in the queue."""
    with snippet.saying() as supervisor:
        beside.enqueue(setting, [Job("a", 1.0)])
        with snippet.snippet(beside, setting, supervisor.address) as worker:
            worker.until_started("a")
            supervisor.welcome = False
            asked = len(supervisor.asked)
            worker.until(
                lambda: any("was=false" in path for _, path in supervisor.asked[asked:]), "it has heard of it"
            )
            beside.enqueue(setting, [Job("b", 0.0)])
            worker.until_ended("a")
            worker.until(lambda: supervisor.count("DELETE") > 0, "the hold has ended")
            known = supervisor.count("GET")
            worker.until(lambda: supervisor.count("GET") > known + 3, "the worker asks on")
            worker.until(lambda: beside.left(setting) == {"b": "queue"}, "the next job is in the queue")
            assert worker.jobs("start") == ["a"]
            supervisor.welcome = True
            worker.until_ended("b")


def test_a_job_that_is_refused_goes_back(beside: Beside, setting: Setting) -> None:
    """What was fetched a moment too late is not begun, and runs when it may."""
    with snippet.saying() as supervisor:
        supervisor.refuses = True
        beside.enqueue(setting, [Job("a", 0.0)])
        with snippet.snippet(beside, setting, supervisor.address) as worker:
            worker.until(lambda: supervisor.count("PUT") > 2, "the job was taken and handed back")
            assert worker.jobs("start") == []
            supervisor.refuses = False
            worker.until_ended("a")
            assert worker.jobs("start") == ["a"]


def test_a_worker_outlives_its_supervisor(beside: Beside, setting: Setting, sidecar: snippet.Sidecar) -> None:
    """Killed in mid-job: the job ends, and after a pause the worker goes on as without one."""
    beside.enqueue(setting, [Job("a", 2.0)])
    with snippet.snippet(beside, setting, sidecar.api) as worker:
        worker.until_started("a")
        sidecar.kill()
        worker.until_ended("a")
        beside.enqueue(setting, [Job("b", 0.0)])
        worker.until_ended("b")


@pytest.mark.parametrize("beside", ["shell", "php"], indirect=True)
def test_nobody_refreshes_for_a_dead_worker(
    beside: Beside, setting: Setting, sidecar: snippet.Sidecar
) -> None:
    """Where a process of its own puts the hold again, it ends with the worker, and the hold with its time to live."""
    beside.enqueue(setting, [Job("a", 60.0)])
    with snippet.snippet(beside, setting, sidecar.api) as worker:
        worker.until_started("a")
        worker.until(lambda: sidecar.holds()[0]["age"] > 2 * snippet.REFRESH_SECONDS, "the hold is refreshed")
        worker.process.kill()
        worker.process.wait()
        worker.until(
            lambda: sidecar.holds()[0]["expires_in"] < TTL_SECONDS - 4 * snippet.REFRESH_SECONDS,
            "nobody puts the hold again",
        )


def test_a_worker_needs_no_supervisor(beside: Beside, setting: Setting) -> None:
    """Without an address nothing is asked, and at SIGTERM the job that runs is finished."""
    beside.enqueue(setting, [Job("a", 1.0)])
    with snippet.snippet(beside, setting, None) as worker:
        worker.until_started("a")
        worker.process.send_signal(signal.SIGTERM)
        assert worker.status() == 0
        assert worker.jobs("end") == ["a"]


def test_the_stop_signal_ends_a_worker_after_its_job(
    beside: Beside, setting: Setting, sidecar: snippet.Sidecar
) -> None:
    """What runs is finished, its hold is ended, and nothing more is begun."""
    beside.enqueue(setting, [Job("a", 1.5)])
    with snippet.snippet(beside, setting, sidecar.api) as worker:
        worker.until_started("a")
        worker.process.send_signal(signal.SIGTERM)
        beside.enqueue(setting, [Job("b", 0.0), Job("c", 0.0)])
        assert worker.status() == 0
        assert "a" in worker.jobs("end")
        assert worker.jobs("start") == worker.jobs("end")
        assert sidecar.holds() == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("beside", ["shell"], indirect=True)
def test_nothing_is_lost_beside_a_sidecar(beside: Beside, tmp_path: Path) -> None:
    """Three stops of each kind of stop; `python -m tests.integrations --sidecar` has more of them, and of languages."""
    with broker_for(beside.broker) as url:
        verdict = judge(run(beside, url, tmp_path, supervised=True, stops=3, seed=1))
    assert verdict.is_clean, json.dumps(verdict.exits)
    assert verdict.stops >= 3
    assert verdict.executed > 0
