"""Huey's door: nothing is changed, and people are told how the hook gets in."""

from __future__ import annotations

from supervisor.config.doors import Door, Opened
from supervisor.config.doors.huey import open_door


def test_no_option_is_added_that_an_older_consumer_would_refuse() -> None:
    """The time limit of a graceful stop is the hook's affair."""
    command = ("huey_consumer", "app.huey", "-k", "process")
    opened = open_door(Door(command, 0, 1, {}, "/hooks", 20.0))
    assert opened == Opened(command, {}, "sitecustomize, at the import of huey.consumer")
