"""What the commands load that shell loops call: nothing that draws, parses options, or speaks HTTP for a living."""

from __future__ import annotations

import pytest

from .test_imports import foreign, modules_added

TOO_HEAVY = {
    "argparse",
    "asyncio",
    "dataclasses",
    "email",
    "http",
    "logging",
    "prometheus_client",
    "psutil",
    "requests",
    "rich",
    "ssl",
    "subprocess",
    "waitress",
}

NOBODY = {"ECS_SUPERVISOR_API": "unix:/nowhere/api", "ECS_SUPERVISOR_SOCKET": "/nowhere/hooks"}


@pytest.mark.parametrize("words", [["status"], ["holds"], ["drain", "--now"], ["hold", "--quiet", "true"]])
def test_a_command_for_loops_is_light(words: list[str]) -> None:
    """Interpreter, JSON, and a socket."""
    code = f"from supervisor.cli.main import dispatch\ndispatch({words!r})"
    loaded = {name.partition(".")[0] for name in foreign(modules_added(code, environment=NOBODY))}
    assert loaded & TOO_HEAVY == set()
