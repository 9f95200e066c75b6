"""Fixtures of the integration tests: real brokers, one of each for a run, and real supervised workers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integrations import brokers
from tests.integrations.configuration import NONE, RABBITMQ, REDIS, Configuration, Setting
from tests.integrations.frameworks import named
from tests.integrations.worker import Worker, library_in, supervised_worker
from tests.unit.hooks.fake_supervisor import FakeSupervisor

Run = Callable[..., Worker]
SettingFor = Callable[[Configuration], Setting]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real frameworks take their time to start: the limit of the unit tests is not for them."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(120))


@pytest.fixture(scope="session")
def redis_server_of_session() -> Iterator[brokers.Broker]:
    with brokers.redis_server() as broker:
        yield broker


@pytest.fixture
def redis_server(redis_server_of_session: brokers.Broker) -> brokers.Broker:
    """Return the session's Redis server, emptied. One that is to be killed: `own_redis_server`."""
    brokers.redis_call(redis_server_of_session.url, "FLUSHALL")
    return redis_server_of_session


@pytest.fixture
def own_redis_server() -> Iterator[brokers.Broker]:
    """Give a Redis server that the test may kill, pause and restart."""
    with brokers.redis_server() as broker:
        yield broker


@pytest.fixture(scope="session")
def rabbitmq_server() -> Iterator[brokers.Broker]:
    """Give the session's RabbitMQ; a test uses queues with names of its own."""
    with brokers.rabbitmq_server() as broker:
        yield broker


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    """Return a Setting without a broker; `dataclasses.replace` gives it one."""
    return Setting("", tmp_path / "records", tmp_path, library_in(tmp_path))


@pytest.fixture
def setting_for(tmp_path: Path, request: pytest.FixtureRequest) -> SettingFor:
    """Return a function from a Configuration to its Setting, with the broker that it names."""

    def make(configuration: Configuration) -> Setting:
        fixture = {REDIS: "redis_server", RABBITMQ: "rabbitmq_server", NONE: None}[configuration.broker]
        url = request.getfixturevalue(fixture).url if fixture else ""
        return Setting(url, tmp_path / "records", tmp_path, library_in(tmp_path))

    return make


@pytest.fixture
def configuration(request: pytest.FixtureRequest) -> Configuration:
    """Return the one whose name is the test's parameter (in `frameworks`: RQ, HUEY ...)."""
    return named(request.param)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[FakeSupervisor]:
    """Give one that says what the test wants; for `hooked`."""
    supervisor = FakeSupervisor(tmp_path / "hooks.sock")
    supervisor.start()
    yield supervisor
    supervisor.stop()


@pytest.fixture
def run_worker(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Run]:
    """Return a function that starts a supervised worker.

    run_worker(configuration, setting, *options) starts what the configuration says;
    run_worker([words], *options, environ=..., cwd=...) starts any command. Keywords as in `supervised_worker`.
    """
    with ExitStack() as stack:
        workers: list[Worker] = []

        def start(what: Any, *more: Any, **keywords: Any) -> Worker:
            if isinstance(what, (list, tuple)):
                command, options = what, more
            else:
                setting, *rest = more
                command, options = what.command(setting), tuple(rest)
                keywords["environ"] = {**what.environ(setting), **keywords.get("environ", {})}
                keywords.setdefault("cwd", what.app)
            worker = stack.enter_context(
                supervised_worker(tuple(command), *options, folder=tmp_path, **keywords)
            )
            workers.append(worker)
            return worker

        yield start
        if getattr(request.node, "has_failed", False):
            for worker in workers:
                sys.stdout.write(worker.story())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Let fixtures know that their test has failed."""
    report = yield
    if report.when == "call" and report.failed:
        item.has_failed = True  # type: ignore[attr-defined]
    return report
