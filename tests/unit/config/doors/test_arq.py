"""What the door tells arq's hook."""

from __future__ import annotations

from supervisor.config.doors import Door, Opened
from supervisor.config.doors.arq import LIMIT_VARIABLE, open_door


def door(*words: str, at: int = 0) -> Opened | str:
    return open_door(Door(words, at, 1, {}, "/hooks", 7.5))


def test_the_hook_is_told_how_much_time_there_will_be() -> None:
    """The command stays as it is."""
    how = "sitecustomize, at the import of arq.worker"
    assert door("arq", "app.Settings") == Opened(("arq", "app.Settings"), {LIMIT_VARIABLE: "7.5"}, how)


def test_an_unknown_command_is_attached_by_its_import() -> None:
    """A script that calls run_worker needs no more than the profile's name."""
    assert isinstance(door("worker.py", at=-1), Opened)


def test_a_health_check_is_no_worker() -> None:
    """Nobody should wait for its hook."""
    assert door("arq", "app.Settings", "--check") == "`arq --check` runs no jobs"
