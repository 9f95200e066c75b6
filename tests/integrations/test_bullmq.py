"""BullMQ under `run`, attached through NODE_OPTIONS: what it says of its jobs, how it goes quiet, and what a kill costs."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integrations.configuration import Job, Setting
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks.bullmq import MODULES, BullMQ
from tests.integrations.hooked import hooked
from tests.integrations.worker import Worker
from tests.unit.hooks.fake_supervisor import FakeSupervisor

BULLMQ = BullMQ()
VERSION = json.loads((MODULES / "bullmq" / "package.json").read_text())["version"]


@pytest.fixture
def setting(setting_for: SettingFor) -> Setting:
    return setting_for(BULLMQ)


def start(
    run_worker: Run, setting: Setting, configuration: BullMQ = BULLMQ, stop_timeout: float = 15
) -> Worker:
    """Start the app, which is recognised by what its script says."""
    worker: Worker = run_worker(configuration, setting, stop_timeout=stop_timeout)
    worker.until_attached(framework="bullmq")
    return worker


def test_it_attaches_and_says_what_it_is(run_worker: Run, setting: Setting) -> None:
    """The supervisor hears of a BullMQ with a gate."""
    told = start(run_worker, setting).until_attached(framework="bullmq")
    assert (told["version"], told["gate"]) == (VERSION, True)
    assert told["about"].startswith("bullmq app.js@")


def test_a_module_is_attached_too(run_worker: Run, setting: Setting) -> None:
    """What Node's `import` loads is BullMQ's CommonJS build."""
    worker = start(run_worker, setting, replace(BULLMQ, script="app.mjs"))
    BULLMQ.enqueue(setting, [Job("a", 0.3)])
    worker.until_ended("a")
    worker.until_idle()
    assert worker.held() == ["sample 1"]
    worker.send(signal.SIGTERM)
    assert worker.status() == 0


def test_a_failing_job_is_held_until_it_is_among_the_failed(
    setting: Setting, supervisor: FakeSupervisor
) -> None:
    """The hold covers what BullMQ does after the processor has thrown."""
    BULLMQ.enqueue(setting, [Job("a", 0.1)], "fails")
    with hooked(BULLMQ, setting, supervisor) as worker:
        worker.until_said("release")
        assert supervisor.open_holds() == []
        assert BULLMQ.left(setting) == {}
        assert worker.jobs("start") == ["a"]


def test_the_handler_of_the_app_is_the_only_one(run_worker: Run, setting: Setting) -> None:
    """Where the app ends by itself at SIGTERM, ours does nothing."""
    worker = start(run_worker, setting, replace(BULLMQ, arguments=("own-handler",)))
    BULLMQ.enqueue(setting, [Job("a", 0.5)])
    worker.until_started("a")
    worker.send(signal.SIGTERM)
    assert worker.status() == 3
    assert worker.ended() == ["a"]


def test_a_sandboxed_processor_is_held_from_its_parent(run_worker: Run, setting: Setting) -> None:
    """Its job is seen, ends before the worker does, and a killed sandbox ends the hold."""
    worker = start(run_worker, setting, replace(BULLMQ, arguments=("sandbox",)))
    BULLMQ.enqueue(setting, [Job("a", 60)])
    worker.until_started("a")
    worker.until_busy()
    (line,) = worker.lines()
    assert line.pid != worker.main_pid
    os.kill(line.pid, signal.SIGKILL)
    worker.until_idle()
    BULLMQ.enqueue(setting, [Job("b", 1)])
    worker.until_started("b")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert worker.ended() == ["b"]


def test_a_calculating_job_is_seen_and_nothing_begins_after_it(run_worker: Run, setting: Setting) -> None:
    """Its hold was said before the event loop was blocked, and what came meanwhile is read before the next job."""
    worker = start(run_worker, setting)
    BULLMQ.enqueue(setting, [Job("a", 3), Job("b", 3), Job("c", 0.1), Job("d", 0.1)], "calculates")
    worker.until_started("a")
    worker.until_busy()
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert worker.started() == worker.ended() == ["a"]
    assert BULLMQ.left(setting) == {"b": "queue", "c": "queue", "d": "queue"}


def test_what_a_job_starts_is_not_attached(setting: Setting, supervisor: FakeSupervisor) -> None:
    """A command of a job knows nothing of us, and keeps the options that were there before."""
    BULLMQ.enqueue(setting, [Job("a", 0)], "commands")
    environ = {"NODE_OPTIONS": "--max-old-space-size=500"}
    with hooked(BULLMQ, setting, supervisor, environ=environ) as worker:
        worker.until_ended("a")
        worker.until_said("release")
    (said,) = [line for line in setting.records.read_text().splitlines() if "command says" in line]
    assert "command says --max-old-space-size=500,false" in said
    assert supervisor.accepted == 1


@pytest.mark.parametrize(
    ("file", "was", "becomes", "warned"),
    [
        ("dist/cjs/classes/worker.js", "async processJob(", "async processed(", "no Worker.processJob"),
        ("package.json", f'"version": "{VERSION}"', '"version": "9.0.0"', "9.0.0 was not tested"),
    ],
)
def test_another_bullmq_costs_one_warning(
    setting: Setting, supervisor: FakeSupervisor, file: str, was: str, becomes: str, warned: str
) -> None:
    """Without a method that is needed nothing is attached; an unknown version is attached; the worker works."""
    command = BULLMQ.command(setting)
    modules = setting.folder / "node_modules"
    original = modules.resolve()
    modules.unlink()
    modules.mkdir()
    for each in original.iterdir():
        (modules / each.name).symlink_to(each)
    (modules / "bullmq").unlink()
    _copy(original / "bullmq", modules / "bullmq")
    text = (modules / "bullmq" / file).read_text()
    assert was in text
    (modules / "bullmq" / file).write_text(
        text.replace(was, becomes).replace("this.processJob(", f"this.{becomes[6:]}")
    )
    BULLMQ.enqueue(setting, [Job("a", 0.1)])
    with hooked(replace(BULLMQ, script=Path(command[1]).name), setting, supervisor) as worker:
        worker.until_ended("a")
        (told,) = worker.warnings
        assert warned in told
        assert bool(supervisor.messages("hello")) is ("version" in was)


def _copy(source: Path, target: Path) -> None:
    """Copy a package without its source maps and types, which are most of it."""
    for file in source.rglob("*"):
        if file.is_file() and file.suffix in (".js", ".json", ".lua") and "esm" not in file.parts:
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
