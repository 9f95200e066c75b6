"""Real processes are started, signalled, and killed when their stop timeout passes."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from supervisor.emulator.agent import Agent
from supervisor.emulator.container import Command
from supervisor.emulator.evidence import ContainerRecord
from supervisor.emulator.host import Host
from supervisor.emulator.namespaces import namespaces_are_possible
from supervisor.emulator.tasks import ContainerPlan, StopReason, TaskPhase
from supervisor.emulator.world import World
from tests.unit.emulator import actors
from tests.waiting import until

# Without the right to make namespaces there is one way only, and it is tested.
WAYS = [False, True] if namespaces_are_possible() else [False]


@pytest.fixture(params=WAYS, ids=lambda way: "namespace" if way else "marked")
def in_namespaces(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def agent() -> Iterator[Agent]:
    with Agent(World()) as agent:
        yield agent


def start(agent: Agent, argv: tuple[str, ...], directory: Path, way: bool, **plan: float) -> tuple[Host, str]:
    """A ticking host with one task."""
    agent.world.register([ContainerPlan("worker", **plan)])  # type: ignore[arg-type]
    host = Host(agent, {"worker": Command(argv)}, directory, in_namespaces=way)
    task_id = host.service.add_task()
    host.start()
    return host, task_id


def ready(host: Host, task_id: str, container: str = "worker") -> bool:
    path = host.output_path(task_id, container)
    return path.exists() and "ready" in path.read_text()


def exited_in_this_tick(host: Host) -> bool:
    """Tick by hand, and say whether the first container has exited."""
    host.tick()
    return host.records[0].exited_at is not None


def stopped(host: Host, task_id: str) -> ContainerRecord:
    """The record of the container, waited for until it has exited."""

    def exited() -> bool:
        return any(record.task_id == task_id and record.exited_at is not None for record in host.records)

    assert host.wait_until(exited, 15)
    return next(record for record in host.records if record.task_id == task_id)


def processes_with(word: str) -> list[str]:
    """Processes of this machine that have this word among their arguments."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if word.encode() in arguments:
            found.append(path.parent.name)
    return found


def test_a_worker_that_listens_is_stopped_gracefully(
    agent: Agent, tmp_path: Path, in_namespaces: bool
) -> None:
    """It gets the stop signal, exits with its own status, and nobody is killed."""
    host, task_id = start(agent, actors.GRACEFUL, tmp_path, in_namespaces)
    try:
        until(lambda: ready(host, task_id), why="the worker is ready")
        host.service.scale(0)
        record = stopped(host, task_id)
    finally:
        host.close()
    assert (record.exit_code, record.killed, record.stop_reason) == (7, False, StopReason.SCALE_IN)
    assert record.signalled_at is not None
    assert agent.world.task(task_id).phase is TaskPhase.STOPPED


def test_a_worker_that_does_not_listen_is_killed_with_all_it_started(
    agent: Agent, tmp_path: Path, in_namespaces: bool
) -> None:
    """At the stop timeout SIGKILL ends the whole container, a grandchild in a session of its own included."""
    word = f"stubborn-{uuid.uuid4()}"
    host, task_id = start(agent, (*actors.STUBBORN, word), tmp_path, in_namespaces, stop_timeout=0.5)
    try:
        until(lambda: ready(host, task_id), why="the grandchild is ready")
        assert processes_with(word)
        host.service.scale(0)
        record = stopped(host, task_id)
        until(lambda: not processes_with(word), why="the whole container is gone")
    finally:
        host.close()
    assert (record.exit_code, record.killed) == (137, True)
    assert record.signalled_at is not None
    assert record.exited_at is not None
    assert record.exited_at - record.signalled_at >= 0.5


def test_what_a_main_process_leaves_behind_ends_with_it(
    agent: Agent, tmp_path: Path, in_namespaces: bool
) -> None:
    """When the main process exits by itself the container is over, also for its children."""
    word = f"deserted-{uuid.uuid4()}"
    host, task_id = start(agent, (*actors.DESERTING, word), tmp_path, in_namespaces)
    try:
        record = stopped(host, task_id)
        host.service.scale(0)
        assert ready(host, task_id)
        until(lambda: not processes_with(word), why="the child is gone")
    finally:
        host.close()
    assert (record.exit_code, record.killed) == (0, False)


def test_a_worker_that_exits_is_replaced(agent: Agent, tmp_path: Path, in_namespaces: bool) -> None:
    """An essential container's exit stops its task, and the service starts another."""
    host, task_id = start(agent, actors.BRIEF, tmp_path, in_namespaces)
    try:
        record = stopped(host, task_id)
        assert host.wait_until(lambda: len(host.records) > 1, 10)
    finally:
        host.close()
    assert (record.exit_code, record.signalled_at) == (3, None)
    assert record.stop_reason is StopReason.ESSENTIAL_CONTAINER_EXITED


def test_the_chosen_stop_signal_is_sent(agent: Agent, tmp_path: Path) -> None:
    """An image's STOPSIGNAL reaches the worker instead of SIGTERM."""
    argv = actors.program(
        "import signal, sys\n"
        "signal.signal(signal.SIGQUIT, lambda *_: sys.exit(9))\n"
        "print('ready')\n"
        "while True: signal.pause()\n"
    )
    host, task_id = start(agent, argv, tmp_path, False, stop_signal=signal.SIGQUIT)
    try:
        until(lambda: ready(host, task_id), why="the worker is ready")
        host.service.scale(0)
        assert stopped(host, task_id).exit_code == 9
    finally:
        host.close()


def test_a_program_that_does_not_exist_is_a_container_that_failed(agent: Agent, tmp_path: Path) -> None:
    """The exit status is 127, and the log says what could not be started."""
    host, task_id = start(agent, ("/no/such/program",), tmp_path, False)
    try:
        record = stopped(host, task_id)
    finally:
        host.close()
    assert record.exit_code == 127
    assert "cannot start /no/such/program" in host.output_path(task_id, "worker").read_text()


def test_a_protected_worker_is_left_alone_until_it_lets_go(agent: Agent, tmp_path: Path) -> None:
    """A worker that protects itself through the endpoint in its environment is not signalled by scale-in."""
    argv = actors.program(
        "import os, pathlib, time, urllib.request\n"
        "def put(body):\n"
        "    url = os.environ['ECS_AGENT_URI'] + '/task-protection/v1/state'\n"
        "    urllib.request.urlopen(urllib.request.Request(url, body, method='PUT')).read()\n"
        "put(b'{\"ProtectionEnabled\":true}')\n"
        "print('ready')\n"
        "while not pathlib.Path(os.environ['EMULATOR_DIRECTORY'], 'done').exists(): time.sleep(0.01)\n"
        "put(b'{\"ProtectionEnabled\":false}')\n"
        "time.sleep(600)\n"
    )
    host = Host(agent, {"worker": Command(argv)}, tmp_path, in_namespaces=False)
    task_id = host.service.add_task()
    try:
        host.tick()
        until(lambda: ready(host, task_id), why="the worker is protected")
        host.service.scale(0)
        host.tick()
        assert host.records[0].signalled_at is None
        (tmp_path / "done").touch()
        until(lambda: exited_in_this_tick(host), why="the worker is stopped")
    finally:
        host.close()
    assert (host.records[0].exit_code, host.records[0].stop_reason) == (143, StopReason.SCALE_IN)


def test_a_sidecar_outlives_the_worker_that_depends_on_it(agent: Agent, tmp_path: Path) -> None:
    """The container others depend on is signalled only after they exited."""
    agent.world.register([ContainerPlan("worker", depends_on=("sidecar",)), ContainerPlan("sidecar")])
    commands = {"worker": Command(actors.GRACEFUL), "sidecar": Command(actors.GRACEFUL)}
    host = Host(agent, commands, tmp_path, in_namespaces=False)
    task_id = host.service.add_task()
    host.start()
    try:
        for name in commands:
            until(partial(ready, host, task_id, name), why=f"{name} is ready")
        host.service.scale(0)
        assert host.wait_until(lambda: all(record.exited_at is not None for record in host.records), 10)
    finally:
        host.close()
    sidecar, worker = host.records
    assert (sidecar.container, sidecar.exit_code, worker.exit_code) == ("sidecar", 7, 7)
    assert worker.exited_at is not None
    assert sidecar.signalled_at is not None
    assert sidecar.signalled_at >= worker.exited_at


def test_every_change_is_told_to_the_watcher(agent: Agent, tmp_path: Path) -> None:
    """A live view sees the start, the signal and the exit of each container."""
    seen: list[ContainerRecord] = []
    host = Host(agent, {"worker": Command(actors.GRACEFUL)}, tmp_path, in_namespaces=False, watch=seen.append)
    task_id = host.service.add_task()
    host.tick()
    until(lambda: ready(host, task_id), why="the worker is ready")
    host.service.scale(0)
    until(lambda: exited_in_this_tick(host), why="the worker exits")
    host.close()
    assert [(record.signalled_at is None, record.exited_at is None) for record in seen] == [
        (True, True),
        (False, True),
        (False, False),
    ]


def test_closing_kills_what_still_runs(agent: Agent, tmp_path: Path, in_namespaces: bool) -> None:
    """Nothing is left when the host is closed, and the records still say that it ran."""
    word = f"closed-{uuid.uuid4()}"
    host, task_id = start(agent, (*actors.STUBBORN, word), tmp_path, in_namespaces)
    until(lambda: ready(host, task_id), why="the grandchild is ready")
    host.close()
    until(lambda: not processes_with(word), why="the whole container is gone")
    assert host.records[0].exited_at is None
