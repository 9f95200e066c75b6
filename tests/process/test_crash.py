"""What happens to the worker when the supervisor itself is broken."""

from __future__ import annotations

import signal

import pytest

from tests.process.harness import actor, supervised

# Stands for any defect: the engine fails at the first signal that is passed on, or at the first stop.
FAILS_AT = """
from supervisor.core.engine import Engine
handle = Engine.handle
def broken(self, event, now):
    if type(event).__name__ == {0!r}:
        raise RuntimeError("a defect for the test")
    return handle(self, event, now)
Engine.handle = broken
"""

QUICK = ("--stop-timeout", "4", "--exit-margin", "1", "--stop-sequence", "TERM 1 KILL 1")


@pytest.mark.parametrize("as_pid_1", [False, True], ids=["below an init", "as PID 1"])
@pytest.mark.parametrize(
    ("event", "number"), [("SignalReceived", signal.SIGWINCH), ("StopRequested", signal.SIGTERM)]
)
def test_a_defect_stops_the_worker_in_order(event: str, number: int, as_pid_1: bool) -> None:
    """After a defect the worker gets its stop signal and its time; then we exit with 70 and say what happened."""
    # The first reaches the worker before the engine fails over it, and means nothing to it.
    with supervised(*actor("waits"), defect=FAILS_AT.format(event), as_pid_1=as_pid_1) as run:
        run.until(lambda: run.output, "the worker is ready")
        run.until_noted("task.running")
        run.send(number)
        assert run.status() == 70
        assert run.output[1:] == ["SIGTERM"]
        assert any("a defect for the test" in line for line in run.errors)
        assert any('"WorkerSpawned"' in line for line in run.errors)


def test_a_defect_that_happens_again_stops_the_worker_too() -> None:
    """What has failed is closed on the way out, and may fail in that as well; the worker has its stop all the same."""
    defect = """
from supervisor.adapters.followers import Followers
def broken(self, *_):
    raise RuntimeError("a defect for the test")
Followers.announce = Followers.close = broken
"""
    with supervised(*actor("waits"), defect=defect, as_pid_1=True) as run:
        assert run.status() == 70
        assert "Traceback (most recent call last):" in run.errors
        assert any("the worker is being stopped in order" in line for line in run.errors)
        assert not any("During handling of the above exception" in line for line in run.errors)


def test_a_defect_does_not_leave_a_deaf_worker_alone() -> None:
    """After a defect a worker that ignores its stop signal is killed when its time is over, and its daemons with it."""
    with supervised(*actor("ignores_term"), options=QUICK, defect=FAILS_AT.format("SignalReceived")) as run:
        run.until_output("ready")
        run.until_noted("task.running")
        run.send(signal.SIGUSR1)
        assert run.status() == 70
        assert run.marked() == []


def test_a_defect_while_building_stops_the_worker_too() -> None:
    """A defect before the loop runs ends in the same way: the worker is there already."""
    defect = "from supervisor.core.engine import Engine\ndel Engine.wake_at, Engine.handle"
    with supervised(*actor("waits"), defect=defect) as run:
        assert run.status() == 70
        assert run.marked() == []
        assert any("AttributeError" in line for line in run.errors)


def test_an_installation_that_is_broken_leaves_nothing_running() -> None:
    """Where our own modules cannot be loaded the worker is ended, and one sentence says why."""
    with supervised(*actor("ignores_term"), defect='sys.modules["supervisor.boot.run"] = None') as run:
        assert run.status() == 70
        assert run.marked() == []
        assert len(run.errors) == 1
