"""Containers of one task that share a PID namespace, and containers that are started again in place."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.emulator.agent import Agent
from supervisor.emulator.container import Command
from supervisor.emulator.control_groups import ControlGroups
from supervisor.emulator.host import Host
from supervisor.emulator.namespaces import namespaces_are_possible
from supervisor.emulator.tasks import ContainerPlan, RestartPolicy
from supervisor.emulator.world import World
from tests.unit.emulator import actors
from tests.waiting import until

# Without the right to make namespaces all containers are in one anyway: that of the tests.
WAYS = [False, True] if namespaces_are_possible() else [False]

# Says its own number, then who else it sees, by their control groups where there are any.
LOOKS = actors.program(
    "import os, signal, sys\n"
    "def groups(pid):\n"
    "    try: return open(f'/proc/{pid}/cgroup').read()\n"
    "    except OSError: return ''\n"
    "print('me', os.getpid())\n"
    "print('namespace', os.readlink('/proc/self/ns/pid'))\n"
    "for pid in filter(str.isdigit, os.listdir('/proc')): print('sees', pid, groups(pid).split())\n"
    "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
    "print('ready')\n"
    "while True: signal.pause()\n"
)

HOST_PROCESS = f"namespace {os.readlink('/proc/self/ns/pid')}"


@pytest.fixture
def host(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Host]:
    """A ticking host whose tasks have two containers; started with whether namespaces are used."""
    policy = RestartPolicy(attempt_period=0.0)
    plans = [ContainerPlan("worker"), ContainerPlan("sidecar", ("worker",), restart=policy)]
    commands = {name: Command(LOOKS) for name in ("worker", "sidecar")}
    world = World(desired_count=1, containers=plans, pid_mode="task")
    with Agent(world) as agent, Host(agent, commands, tmp_path, in_namespaces=request.param) as host:
        yield host


def said(host: Host, container: str) -> list[str]:
    path = host.output_path(host.service.tasks[0].task_id, container)
    return path.read_text().splitlines() if path.exists() else []


def ready(host: Host, times: int = 1) -> None:
    until(
        lambda: host.service.tasks and said(host, "sidecar").count("ready") == times,
        why="the sidecar is ready",
    )
    until(lambda: "ready" in said(host, "worker"), why="the worker is ready")


def documents(host: Host) -> dict[str, dict[str, object]]:
    """What the metadata endpoint says of each container, by name."""
    with urllib.request.urlopen(f"{host.agent.metadata_uri(host.service.tasks[0].task_id)}/task") as answer:
        return {each["Name"]: each for each in json.load(answer)["Containers"]}


@pytest.mark.parametrize("host", WAYS, indirect=True)
def test_containers_of_a_task_see_each_other(host: Host) -> None:
    """With pidMode `task` a process of one container is among those that the other one sees, by the same number."""
    ready(host)
    host.agent.world.scale(0)
    until(lambda: all(record.exited_at is not None for record in host.records), why="the task has stopped")
    assert [record.exit_code for record in host.records] == [0, 0]
    assert seen_of_worker(host)


@pytest.mark.parametrize("host", WAYS, indirect=True)
def test_a_container_is_started_again_in_place(host: Host) -> None:
    """By its restart policy, with the same id and a count; each start has a record of its own."""
    ready(host)
    before = documents(host)["sidecar"]
    host.crash(host.service.tasks[0].task_id, "sidecar")
    ready(host, times=2)
    after = documents(host)["sidecar"]
    assert (before["RestartCount"], after["RestartCount"]) == (0, 1)
    assert (before["DockerId"], after["DesiredStatus"]) == (after["DockerId"], "RUNNING")
    assert "RestartCount" not in documents(host)["worker"]
    assert [each.container for each in host.records] == ["worker", "sidecar", "sidecar"]
    assert host.records[1].exit_code == 137


@pytest.mark.parametrize("host", WAYS, indirect=True)
def test_a_process_is_in_a_group_named_after_its_container(host: Host) -> None:
    """Where groups can be made, /proc says which container a process in a shared namespace belongs to."""
    ready(host)
    groups = ControlGroups()
    groups.close()
    grouped = groups.are_possible and HOST_PROCESS not in said(host, "worker")
    assert (str(documents(host)["worker"]["DockerId"]) in seen_of_worker(host)) == grouped


def seen_of_worker(host: Host) -> str:
    """What the sidecar has seen of the worker's main process."""
    number = next(line.split()[1] for line in said(host, "worker") if line.startswith("me"))
    [seen] = [line for line in said(host, "sidecar") if line.startswith(f"sees {number} ")]
    return seen
