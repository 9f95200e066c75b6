"""The task definitions with a sidecar stop in the order that they are there for, and their commands are understood."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from supervisor.config.sidecar import SidecarSettings, load
from supervisor.emulator.orders import StopContainer
from supervisor.emulator.tasks import ContainerPlan
from supervisor.emulator.world import SPOT_NOTICE_SECONDS, World

FOLDER = Path(__file__).parents[2] / "task-definitions"

ORDERS = {"a": ["worker", "sidecar"], "b": ["sidecar", "worker"]}


@pytest.fixture(params=ORDERS)
def order(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def definition(order: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / f"sidecar-order-{order}.json").read_text())
    return content


def container(order: str, name: str) -> dict[str, Any]:
    return next(each for each in definition(order)["containerDefinitions"] if each["name"] == name)


def settings(order: str) -> SidecarSettings:
    command, *words = container(order, "sidecar")["command"]
    assert command == "sidecar"
    found = load(words, {}, str)
    assert isinstance(found, SidecarSettings), found.text
    return found


def stop_order(task: dict[str, Any]) -> list[str]:
    """Return the containers of a task definition in the order in which ECS signals them, each when the one before has exited."""
    plans = [
        ContainerPlan(
            each["name"], tuple(on["containerName"] for on in each.get("dependsOn", ())), each["essential"]
        )
        for each in task["containerDefinitions"]
    ]
    world = World(containers=plans)
    task_id = world.add_task(0.0)
    world.decide(0.0)
    world.scale(0)
    signalled = []
    for at in map(float, range(1, 1 + len(plans))):
        [stop] = world.decide(at)
        assert isinstance(stop, StopContainer)
        signalled.append(stop.container)
        world.container_exited(task_id, stop.container, 0, at)
    return signalled


def test_the_containers_stop_in_the_order_of_the_name(order: str) -> None:
    """One after the other, as ECS turns dependsOn round."""
    assert stop_order(definition(order)) == ORDERS[order]


def test_the_sidecar_is_told_its_stop_timeout_and_its_order(order: str) -> None:
    """What ECS tells to nobody has to be said twice."""
    assert settings(order).run.stop_timeout == container(order, "sidecar")["stopTimeout"]
    assert settings(order).early_notice == (order == "b")


def test_both_containers_mean_the_same_sockets(order: str) -> None:
    """On a volume that both mount, and at the address that all containers of the task share."""
    worker = {each["name"]: each["value"] for each in container(order, "worker")["environment"]}
    assert worker["ECS_SUPERVISOR_SOCKET"] == settings(order).run.socket
    assert worker["ECS_SUPERVISOR_API"] == f"http://{settings(order).run.api.addresses[0]}"
    for name in ("worker", "sidecar"):
        [mount] = container(order, name)["mountPoints"]
        assert settings(order).run.socket.startswith(f"{mount['containerPath']}/")
        assert [mount["sourceVolume"]] == [each["name"] for each in definition(order)["volumes"]]


def test_all_of_it_fits_into_the_notice_of_spot() -> None:
    """Order B, whose stop timeouts are meant to be used one after the other."""
    assert sum(each["stopTimeout"] for each in definition("b")["containerDefinitions"]) < SPOT_NOTICE_SECONDS


def test_the_worker_that_is_to_be_seen_is_there() -> None:
    """By its name in the same task definition, in a PID namespace that the containers share."""
    assert settings("b").container == container("b", "worker")["name"]
    assert definition("b")["pidMode"] == "task"
