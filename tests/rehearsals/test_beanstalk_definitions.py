"""The definitions for those who leave Elastic Beanstalk: their commands are understood, they stop in order, and their rights fit."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from supervisor.config.sqsd.load import load
from supervisor.config.sqsd.options import ALONE, SPELLINGS
from supervisor.config.sqsd.settings import SqsdSettings
from supervisor.emulator.world import SPOT_NOTICE_SECONDS
from tests.rehearsals.test_sidecar_definitions import stop_order

FOLDER = Path(__file__).parents[2] / "task-definitions" / "elastic-beanstalk-worker"

SIDECAR, ONE = "task-definition.json", "task-definition-one-container.json"

# What a daemon without periodic tasks calls.
CALLS = {
    *("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"),
    *("ecs:GetTaskProtection", "ecs:UpdateTaskProtection"),
}


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / name).read_text())
    return content


def daemon(name: str) -> tuple[dict[str, Any], SqsdSettings]:
    """Return the container of the daemon, and what its command means."""
    [container] = [each for each in read(name)["containerDefinitions"] if "sqsd" in each["command"]]
    command, *words = container["command"]
    assert (container["entryPoint"], command) == (["ecs-supervisor"], "sqsd")
    settings = load(words, {}, str)
    assert isinstance(settings, SqsdSettings), settings.text
    return container, settings


@pytest.mark.parametrize("name", [SIDECAR, ONE])
def test_the_command_is_understood_and_fits_the_container(name: str) -> None:
    """The stop timeout is said twice, because ECS tells it to nobody; all containers of the task share the loopback."""
    container, settings = daemon(name)
    assert settings.run.stop_timeout == container["stopTimeout"]
    assert settings.wraps == (name == ONE)
    assert read(name)["networkMode"] == "awsvpc"


@pytest.mark.parametrize("name", [SIDECAR, ONE])
def test_the_app_listens_where_the_daemon_posts(name: str) -> None:
    """With as many threads as the daemon has connections, and the middleware for jobs switched on."""
    _, settings = daemon(name)
    web = next(each for each in read(name)["containerDefinitions"] if each["name"] == "web")
    words = web["command"]
    assert words[words.index("--bind") + 1] == f"tcp://{settings.app.address}:{settings.app.port}"
    assert words[words.index("--threads") + 1] == f"{settings.connections}:{settings.connections}"
    assert {"name": "AWS_PROCESS_BEANSTALK_WORKER_REQUESTS", "value": "true"} in web["environment"]
    assert "JOBS_ASYNC" not in json.dumps(web)


def test_the_daemon_stops_before_the_app() -> None:
    """ECS turns dependsOn round, and the app answers until the last message is done."""
    assert stop_order(read(SIDECAR)) == ["sqsd", "web"]


@pytest.mark.parametrize("name", [SIDECAR, ONE])
def test_all_of_it_fits_into_the_notice_of_spot(name: str) -> None:
    """Along a chain stop timeouts add up."""
    assert sum(each["stopTimeout"] for each in read(name)["containerDefinitions"]) < SPOT_NOTICE_SECONDS


def test_the_role_may_do_what_the_daemon_does_and_no_more() -> None:
    """On the queue of the commands, and on tasks."""
    statements = {each["Resource"]: each["Action"] for each in read("iam-policy.json")["Statement"]}
    assert {action for actions in statements.values() for action in actions} == CALLS
    [arn] = [resource for resource in statements if ":sqs:" in resource]
    _, _, _, region, account, name = arn.split(":")
    for definition in (SIDECAR, ONE):
        [queue] = daemon(definition)[1].queues
        assert queue.url == f"https://sqs.{region}.amazonaws.com/{account}/{name}"
        assert f":{account}:" in read(definition)["taskRoleArn"]


def test_the_guide_names_each_setting_and_no_flag_that_is_none() -> None:
    """All of Elastic Beanstalk's, by its name and ours."""
    text = (FOLDER / "README.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| `(--[a-z-]+)` ", text, flags=re.MULTILINE))
    theirs = {spelling.removeprefix("--"): flag for spelling, flag in SPELLINGS.items()}
    # The queue's URL has two spellings; the guide has the one of the option settings.
    theirs.pop("QueueUrl")
    assert rows == theirs
    ours = {option.flag for option in ALONE.options.values()}
    mentioned = set(re.findall(r"`(--[a-z-]+)", text))
    assert mentioned <= ours, mentioned - ours
