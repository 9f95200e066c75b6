"""The end of processes, seen by their pidfds."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable

import pytest

from supervisor.adapters.arbitration.watch import Watch
from tests.waiting import until


def test_a_thread_that_could_not_be_had_is_tried_again_for_the_next_process() -> None:
    """Or no end would be seen any more, and what the dead have claimed would last until it expires."""
    rooms = iter([False, True])

    def start(name: str, work: Callable[[], None]) -> None:
        if not next(rooms):
            raise RuntimeError("can't start new thread")
        threading.Thread(target=work, name=name).start()

    watch, ended = Watch(start), threading.Event()
    child = subprocess.Popen(["sleep", "60"])
    process = os.pidfd_open(child.pid)
    try:
        with pytest.raises(OSError, match="thread"):
            watch.add(process, ended.set)
        watch.add(process, ended.set)
        child.kill()
        until(ended.is_set, limit=10.0, why="the end is told")
    finally:
        watch.close()
        child.kill()
        child.wait()
        os.close(process)
