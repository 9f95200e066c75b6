from __future__ import annotations

import pytest

from supervisor.config.doors import Door, Opened
from supervisor.config.doors.bullmq import LIMIT_VARIABLE, open_door

FILE = "/hooks/node/ecs_supervisor_bullmq.js"


def opened(environ: dict[str, str] | None = None, folder: str = "/hooks", seconds: float = 8.1) -> Opened:
    found = open_door(Door(("node", "worker.js"), 0, 1, environ or {}, folder, seconds))
    assert isinstance(found, Opened)
    return found


def test_every_node_of_the_worker_loads_the_hook() -> None:
    """The command stays as it is."""
    found = opened()
    assert found.command == ("node", "worker.js")
    assert found.environ["NODE_OPTIONS"] == f"--require {FILE}"
    assert found.how == f"NODE_OPTIONS=--require {FILE}"


def test_options_that_were_there_come_first() -> None:
    """What the user wants to be loaded first still is."""
    found = opened({"NODE_OPTIONS": "--max-old-space-size=500"})
    assert found.environ["NODE_OPTIONS"] == f"--max-old-space-size=500 --require {FILE}"


@pytest.mark.parametrize(
    ("folder", "spelled"),
    [("/my hooks", '"/my hooks/'), ('/a"b', '"/a\\"b/'), ("/a\\b", '"/a\\\\b/')],
)
def test_an_unusual_path_is_quoted(folder: str, spelled: str) -> None:
    """By the rules that Node has for this variable."""
    option = opened(folder=folder).environ["NODE_OPTIONS"]
    assert option == f'--require {spelled}node/ecs_supervisor_bullmq.js"'


@pytest.mark.parametrize(("seconds", "limit"), [(8.1, "7.1"), (120.0, "119"), (1.0, "0.5")])
def test_the_time_limit_leaves_a_second_before_the_kill(seconds: float, limit: str) -> None:
    """In that second unfinished jobs go back to their queue."""
    assert opened(seconds=seconds).environ[LIMIT_VARIABLE] == limit
