"""What the door tells taskiq's hook."""

from __future__ import annotations

from supervisor.config.doors import Door, Opened
from supervisor.config.doors.taskiq import LIMIT_VARIABLE, open_door


def test_the_hook_is_told_how_much_time_there_will_be() -> None:
    """The command stays as it is: an older taskiq would not take the option."""
    words = ("taskiq", "worker", "app:broker")
    how = "sitecustomize, at the import of taskiq.receiver"
    assert open_door(Door(words, 0, 1, {}, "/hooks", 7.5)) == Opened(words, {LIMIT_VARIABLE: "7.5"}, how)
