"""Threads that fail are told of and begun again."""

from __future__ import annotations

import threading

from supervisor.runtime.background import Background


def test_work_runs_under_its_name() -> None:
    """The work runs in a thread of that name, which keeps no process alive."""
    seen = list[tuple[str, bool]]()
    done = threading.Event()

    def work() -> None:
        seen.append((threading.current_thread().name, threading.current_thread().daemon))
        done.set()

    Background(lambda name, error: None).start("protector", work)
    assert done.wait(10)
    assert seen == [("protector", True)]


def test_work_that_raises_is_told_of_and_begun_again() -> None:
    """An exception in a thread is reported with its name, and the work goes on."""
    died = list[tuple[str, str]]()
    done = threading.Event()
    begun = 0

    def work() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise OSError(f"time {begun}")
        done.set()

    Background(lambda name, error: died.append((name, str(error)))).start("log", work)
    assert done.wait(10)
    assert died == [("log", "time 1"), ("log", "time 2")]
