"""The gates of Dramatiq, arq and taskiq, moment by moment: real workers under a supervisor that says what the test wants."""

from __future__ import annotations

import dataclasses
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.integrations.brokers import Broker
from tests.integrations.configuration import Configuration, Job, Setting
from tests.integrations.conftest import SettingFor
from tests.integrations.frameworks.arq import DEFAULT
from tests.integrations.frameworks.dramatiq import ON_RABBITMQ, ON_REDIS
from tests.integrations.frameworks.taskiq import ON_LIST, ON_STREAM
from tests.integrations.hooked import Hooked, hooked
from tests.unit.hooks.fake_supervisor import QUIET, FakeSupervisor, grant, refuse

Start = Callable[..., AbstractContextManager[Hooked]]

# Configuration, processes with a gate.
EACH = pytest.mark.parametrize(
    ("configuration", "gates"),
    [(ON_REDIS, 2), (ON_RABBITMQ, 2), (DEFAULT, 1), (ON_LIST, 2), (ON_STREAM, 2)],
    ids=lambda each: each.name if not isinstance(each, int) else "",
)
ON_A_REDIS = pytest.mark.parametrize(
    ("configuration", "gates"),
    [(ON_REDIS, 2), (DEFAULT, 1), (ON_LIST, 2), (ON_STREAM, 2)],
    ids=lambda each: each.name if not isinstance(each, int) else "",
)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[FakeSupervisor]:
    supervisor = FakeSupervisor(tmp_path / "hooks.sock")
    supervisor.start()
    yield supervisor
    supervisor.stop()


def start(
    configuration: Configuration, setting: Setting, supervisor: FakeSupervisor, **environ: str
) -> Start:
    framework = configuration.name.partition("-")[0]
    if framework == "dramatiq":
        # As its door does.
        return partial(_with_module, configuration, setting, supervisor, environ)
    return partial(hooked, configuration, setting, framework, supervisor, environ=environ)


@contextmanager
def _with_module(
    configuration: Configuration, setting: Setting, supervisor: FakeSupervisor, environ: dict[str, str]
) -> Iterator[Hooked]:
    class Opened:
        def __getattr__(self, name: str) -> object:
            return getattr(configuration, name)

        def command(self, setting: Setting) -> list[str]:
            program, module, *rest = configuration.command(setting)
            return [program, module, "supervisor.hooks.dramatiq", *rest]

    with hooked(Opened(), setting, "dramatiq", supervisor, environ=environ) as worker:  # type: ignore[arg-type]
        yield worker


@EACH
def test_quiet_is_confirmed_and_nothing_starts_until_resumed(
    configuration: Configuration, gates: int, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """Under a stream of short jobs: not one starts after the last confirmation; all run after the resume, each once."""
    setting = setting_for(configuration)
    jobs = [Job(f"job{number}", 0.01) for number in range(60)]
    with start(configuration, setting, supervisor)() as worker:
        worker.until_attached(gates)
        configuration.enqueue(setting, jobs)
        worker.until(lambda: len(worker.jobs("start")) > 5, "they run")
        worker.quiet()
        confirmed_at = time.monotonic()
        configuration.enqueue(setting, [Job("late", 0.0)])
        worker.until(lambda: sorted(worker.jobs("start")) == sorted(worker.jobs("end")), "what ran has ended")
        resumed_at = time.monotonic()
        worker.resume()
        worker.until(lambda: len(worker.jobs("end")) == len(jobs) + 1, "all have ended")
        starts = worker.lines("start")
        assert [line.job for line in starts if confirmed_at < line.at < resumed_at] == []
        assert len({line.job for line in starts}) == len(starts)
        worker.until_gates("open", gates)


@EACH
def test_a_worker_that_starts_while_it_is_quiet_begins_nothing(
    configuration: Configuration, gates: int, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """The gate is shut before the first fetch, and TERM ends such a worker in order."""
    setting = setting_for(configuration)
    supervisor.greeting = QUIET
    configuration.enqueue(setting, [Job("waits", 0.0)])
    with start(configuration, setting, supervisor)() as worker:
        worker.until_gates("shut", gates)
        worker.process.send_signal(signal.SIGTERM)
        assert worker.status() == 0
        assert worker.lines() == []
    assert configuration.left(setting) == {"waits": "queue"}


@ON_A_REDIS
def test_quiet_and_resume_many_times_lose_nothing(
    configuration: Configuration, gates: int, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """However the moments fall, each job runs once."""
    setting = setting_for(configuration)
    names = [f"job{number}" for number in range(40)]
    with start(configuration, setting, supervisor)() as worker:
        worker.until_attached(gates)
        for number in range(0, len(names), 4):
            configuration.enqueue(setting, [Job(name, 0.005) for name in names[number : number + 4]])
            worker.quiet()
            worker.resume()
        worker.until(lambda: sorted(worker.jobs("end")) == sorted(names), "all have ended")
        assert len(worker.jobs("start")) == len(names)


@ON_A_REDIS
def test_a_job_that_is_refused_goes_back_and_runs_when_it_may(
    configuration: Configuration, gates: int, setting_for: SettingFor, supervisor: FakeSupervisor
) -> None:
    """Before-start: it is never run without its answer, and never lost."""
    setting = setting_for(configuration)
    supervisor.answer = refuse
    with start(configuration, setting, supervisor, ECS_SUPERVISOR_HOLD_WAIT="20")() as worker:
        worker.until_attached(gates)
        configuration.enqueue(setting, [Job("refused", 0.0)])
        worker.until(
            lambda: sum(1 for hold in worker.said("hold") if hold.get("wait")) >= 3,
            "it has asked again and again",
        )
        assert worker.lines() == []
        supervisor.answer = grant
        worker.until(lambda: worker.jobs("end") == ["refused"], "it has run")
        assert worker.jobs("start") == ["refused"]


@ON_A_REDIS
def test_a_broker_that_dies_holds_up_no_quiet(
    configuration: Configuration,
    gates: int,
    setting_for: SettingFor,
    supervisor: FakeSupervisor,
    own_redis_server: Broker,
) -> None:
    """The gate is confirmed without a broker."""
    setting = dataclasses.replace(setting_for(configuration), broker=own_redis_server.url)
    with start(configuration, setting, supervisor)() as worker:
        worker.until_attached(gates)
        configuration.enqueue(setting, [Job("first", 0.0)])
        worker.until(lambda: worker.jobs("end") == ["first"], "the worker works")
        own_redis_server.kill()
        supervisor.greeting = QUIET
        supervisor.say(QUIET)
        # arq and taskiq end when their broker is gone, and taskiq's main process starts others.
        worker.until(
            lambda: list(worker.gates().values()).count("shut") >= gates or worker.process.poll() is not None,
            "the gates are shut",
        )
