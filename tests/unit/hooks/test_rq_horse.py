"""What an RQ horse says by itself, and that a short job says nothing."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from supervisor.hooks import _rq_horse
from supervisor.hooks._rq_horse import HorseHold, perform_job
from tests.unit.hooks.fake_supervisor import FakeSupervisor
from tests.waiting import until

JOB = SimpleNamespace(description="app.send('to')", id="3f2a")


def test_a_job_that_lasts_is_held_until_its_end(supervisor: FakeSupervisor) -> None:
    """By a connection of its own, whatever becomes of the parent's."""
    hold = HorseHold("rq horse of one", "app.send 3f2a")
    until(lambda: supervisor.open_holds() == ["app.send 3f2a"], why="it is held")
    assert supervisor.messages("hello")[-1]["about"] == "rq horse of one"
    before = supervisor.connections
    hold.end()
    until(lambda: supervisor.open_holds() == [] and supervisor.connections < before, why="it has ended")


def test_a_short_job_says_nothing(supervisor: FakeSupervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parent's hold is enough, and another connection costs more than the job."""
    monkeypatch.setattr(_rq_horse, "LATE_SECONDS", 60.0)
    before = supervisor.accepted
    hold = HorseHold("rq horse of one", "app.send 3f2a")
    hold.end()
    # Its thread has taken what `end` gave back: it looks no further.
    until(hold._runs.locked, why="its thread has seen the end")
    assert supervisor.accepted == before


def test_a_job_that_ends_while_it_is_said_is_not_held(
    supervisor: FakeSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever says its begin looks again afterwards."""
    monkeypatch.setattr(_rq_horse, "LATE_SECONDS", 60.0)
    supervisor.greeting = None
    hold = HorseHold("rq horse of one", "app.send 3f2a")
    hold.end()
    until(hold._runs.locked, why="its thread has seen the end")
    # As if the end had come just when its time was up, and nobody could be told yet.
    hold._runs = JustEnded()  # type: ignore[assignment]
    hold._begin_late()
    until(lambda: len(supervisor.messages("release")) == 1, why="its end was said")


@pytest.mark.usefixtures("nobody")
def test_without_a_supervisor_there_is_nothing_to_say() -> None:
    """No connection, however long it lasts."""
    hold = HorseHold("rq horse of one", "app.send 3f2a")
    hold._runs.release()
    hold._runs = JustEnded()  # type: ignore[assignment]
    hold._begin_late()
    assert hold._sock is None


def test_a_supervisor_that_is_gone_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    """No error, and no socket is left open."""
    monkeypatch.setenv("ECS_SUPERVISOR_SOCKET", str(tmp_path / "gone"))
    hold = HorseHold("rq horse of one", "app.send 3f2a")
    hold._runs.release()
    hold._runs = JustEnded()  # type: ignore[assignment]
    before = set(os.listdir("/proc/self/fd"))
    hold._begin_late()
    hold.end()
    assert set(os.listdir("/proc/self/fd")) <= before
    assert not recwarn.list


def test_a_horse_holds_while_it_performs_its_job(supervisor: FakeSupervisor) -> None:
    """By its name and the job's; what the job returns is passed on."""

    def perform(_worker: object, _job: object) -> bool:
        until(lambda: supervisor.open_holds() == ["app.send 3f2a"], why="it is held")
        return True

    assert perform_job(perform, SimpleNamespace(name="one"), JOB)
    until(lambda: supervisor.open_holds() == [], why="nothing is held")


class JustEnded:
    """A lock whose time was up, and that was given back right then."""

    def acquire(self, timeout: float) -> bool:
        return timeout < 0

    def locked(self) -> bool:
        return False
