"""RQ's door: nothing is changed, and people are told how the hook gets in."""

from __future__ import annotations

from supervisor.config.doors import Door, Opened
from supervisor.config.doors.rq import open_door


def test_the_users_worker_class_stays_the_users() -> None:
    """Neither the command nor the environment is touched, whatever names the class."""
    command = ("rq", "worker", "-w", "app.Worker")
    environ = {"RQ_WORKER_CLASS": "app.Other"}
    opened = open_door(Door(command, 0, 1, environ, "/hooks", 20.0))
    assert opened == Opened(command, {}, "sitecustomize, at the import of rq.worker")
