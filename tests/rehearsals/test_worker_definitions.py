"""The task definitions of workers in other languages say the same in all places, and are what their sidecar needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from supervisor.config.sidecar import SidecarSettings, load
from supervisor.emulator.world import SPOT_NOTICE_SECONDS

FOLDER = Path(__file__).parents[2] / "task-definitions"
WORKERS = ("shell", "sidekiq", "bullmq", "php", "go")

# What a screen shows at once, or twice where the language wants a line for each brace.
MOST_LINES = 100


@pytest.fixture(params=WORKERS)
def folder(request: pytest.FixtureRequest) -> Path:
    return FOLDER / f"{request.param}-worker"


@pytest.fixture
def containers(folder: Path) -> dict[str, dict[str, Any]]:
    read = json.loads((folder / "task-definition.json").read_text())
    return {each["name"]: each for each in read["containerDefinitions"]}


@pytest.fixture
def settings(containers: dict[str, dict[str, Any]]) -> SidecarSettings:
    command, *words = containers["sidecar"]["command"]
    assert command == "sidecar"
    found = load(words, {}, str)
    assert isinstance(found, SidecarSettings), found.text
    return found


def test_the_sidecar_is_stopped_first_and_knows_it(
    containers: dict[str, dict[str, Any]], settings: SidecarSettings
) -> None:
    """Order B: it depends on the worker, and its stop timeout is said in both places."""
    assert containers["sidecar"]["dependsOn"] == [{"containerName": "worker", "condition": "START"}]
    assert "dependsOn" not in containers["worker"]
    assert settings.early_notice
    assert settings.run.stop_timeout == containers["sidecar"]["stopTimeout"]
    assert sum(each["stopTimeout"] for each in containers.values()) < SPOT_NOTICE_SECONDS


def test_the_worker_finds_the_sidecar(
    containers: dict[str, dict[str, Any]], settings: SidecarSettings
) -> None:
    """At the address that all containers of the task share; it is the one setting of every client."""
    [address] = settings.run.api.addresses
    assert containers["worker"]["environment"] == [
        {"name": "ECS_SUPERVISOR_API", "value": f"http://{address}"}
    ]


def test_every_worker_is_explained(folder: Path) -> None:
    """A client that can be read in one go, and what it cannot do."""
    [client] = [each for each in folder.iterdir() if each.suffix not in (".md", ".json")]
    assert len(client.read_text().splitlines()) < MOST_LINES
    told = (folder / "README.md").read_text()
    assert f"]({client.name})" in told
    assert "cannot do" in told
    assert "ecs-supervisor run --" in told
    assert f"{folder.name}/README.md" in (FOLDER / "README.md").read_text()
