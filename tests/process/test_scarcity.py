"""Where descriptors, processes or readers run out the worker is still stopped in time, and nobody else suffers for it."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
from pathlib import Path

import pytest

from supervisor.adapters.proctree import descendants
from tests.process.harness import actor, supervised

QUICK = ("--stop-timeout", "8", "--stop-sequence", "TERM 0.3 KILL")


@pytest.mark.parametrize("as_pid_1", [False, True], ids=["below an init", "as PID 1"])
def test_connections_do_not_take_all_descriptors(as_pid_1: bool) -> None:
    """With more connections than there are descriptors some are turned away, and the whole tree is killed in its time."""
    few = ("prlimit", "--nofile=128")
    with supervised(*actor("crowd", "100"), options=QUICK, before=few, as_pid_1=as_pid_1) as run:
        run.until_ready()
        heard = json.loads(run.output[0])
        assert heard["state"] + heard["problem"] == 100
        run.send(signal.SIGTERM)
        assert run.status() == 137
        assert run.names()[-1] == "task.exited"
        assert run.marked() == []


def test_a_tree_that_cannot_be_looked_at_is_no_defect() -> None:
    """Without a descriptor left nobody is found in /proc; what can be killed without a look has to do."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, before[1]))
    try:
        assert descendants() == []
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


# The API is the only thing that is begun in a thread after the start.
NO_ROOM = """
import threading
start = threading.Thread.start
def refuse(self):
    if self.name == "api":
        raise RuntimeError("can't start new thread")
    start(self)
threading.Thread.start = refuse
"""


def test_no_room_for_a_thread_is_no_reason_to_end_a_job(tmp_path: Path) -> None:
    """Where the worker has used up the limit of processes and somebody asks the API, the worker goes on."""
    path = tmp_path / "api"
    with supervised(*actor("waits", "5"), options=("--api", f"unix:{path}"), defect=NO_ROOM) as run:
        run.until_ready()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            run.until_noted("api.unavailable")
        run.send(signal.SIGTERM)
        assert run.status() == 5
        assert "Traceback (most recent call last):" not in run.errors
