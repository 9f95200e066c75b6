"""One worker: started, running, started again, asked to stop, gone."""

from __future__ import annotations

import pytest

from supervisor.core import worker
from supervisor.core.backoff import Backoff
from supervisor.core.effects import Exit, Level, Note, Quiet, Spawn, Stop
from supervisor.core.events import (
    Event,
    HoldTaken,
    QuietRequested,
    SpawnFailed,
    StopRequested,
    Tick,
    WorkerExited,
    WorkerSpawned,
)
from supervisor.core.inner import StopBegan
from supervisor.core.instants import NEVER, Instant
from supervisor.core.names import SignalName
from supervisor.core.worker import WELL_SECONDS, Phase, Restart, RestartPolicy, Worker

from .playbook import ALICE, J1, WEB, Playbook, at, policy, told

TERM = SignalName("TERM")
STOP = StopRequested("TERM")


def running(when: Restart) -> Playbook:
    """A task whose worker has started at 0 s."""
    again = RestartPolicy(when, Backoff(first=1.0, longest=60.0))
    return (
        Playbook(policy(restart=again))
        >> WorkerSpawned(WEB, 7)
        << told("worker.started")
        << told("task.running")
    )


def test_a_worker_that_somebody_else_has_started_has_no_number_here() -> None:
    """A sidecar's runs in another container: who finds it tells, and `status` names no process."""
    script = Playbook(policy()) >> WorkerSpawned(WEB, 0) << told("task.running")
    view = script.engine.snapshot(script.now).workers[0]
    assert (view.phase, view.pid) == ("running", None)


def ended(script: Playbook, status: int) -> Playbook:
    return script >> WorkerExited(WEB, status) << told("worker.exited", status=status)


def started_again(script: Playbook) -> Playbook:
    script = script >> at(script.engine.wake_at()) << Spawn(WEB)
    return script >> WorkerSpawned(WEB, 8) << told("worker.started", pid=8)


@pytest.mark.parametrize(
    ("when", "status"),
    [(Restart.NEVER, 1), (Restart.NEVER, 0), (Restart.ON_FAILURE, 0)],
)
def test_a_worker_that_is_not_started_again_ends_the_task(when: Restart, status: int) -> None:
    """`--restart never`, or `on-failure` and success: the worker's end is the task's."""
    assert ended(running(when), status) << told("task.exited", status=status) << Exit(status)


@pytest.mark.parametrize(
    ("when", "status"),
    [(Restart.ON_FAILURE, 1), (Restart.ON_FAILURE, 137), (Restart.ALWAYS, 0), (Restart.ALWAYS, 1)],
)
def test_a_worker_that_is_started_again_has_not_ended(when: Restart, status: int) -> None:
    """The task goes on while its worker waits to be started again, and afterwards."""
    script = ended(running(when), status)
    assert script.engine.snapshot(script.now).workers[0].phase == "backoff"
    assert started_again(script)
    view = script.engine.snapshot(script.now).workers[0]
    assert (view.phase, view.pid, view.status, view.starts) == ("running", 8, None, 2)


def test_each_failure_in_a_row_is_waited_after_longer() -> None:
    """A worker that dies at once is started after 1, 2, 4 ... seconds at most, and never more than a minute apart."""
    script = running(Restart.ALWAYS)
    pauses = []
    for _ in range(9):
        script = ended(script, 1)
        pauses.append(script.engine.wake_at() - script.now)
        assert started_again(script)
    assert all(2**n / 2 <= pause <= 2**n for n, pause in enumerate(pauses[:6]))
    assert all(30 <= pause <= 60 for pause in pauses[6:])


@pytest.mark.parametrize(("lived", "longest"), [(WELL_SECONDS - 0.1, 8), (WELL_SECONDS + 0.1, 1)])
def test_a_worker_that_was_well_begins_the_delays_anew(lived: float, longest: float) -> None:
    """After a minute of life a death is a new trouble; before that it is still the old one."""
    script = running(Restart.ALWAYS)
    for _ in range(3):
        assert started_again(ended(script, 1))
    ended(script >> at(script.now + lived), 1)
    assert longest / 2 <= script.engine.wake_at() - script.now <= longest


def test_a_first_start_that_fails_is_final() -> None:
    """A command that is not there is a mistake in the task definition, seen at once whatever the restart policy."""
    assert (
        Playbook(policy(restart=RestartPolicy(Restart.ALWAYS)))
        >> SpawnFailed(WEB, 127, "no such file")
        << told("worker.not_started", status=127, why="no such file")
        << told("task.exited", status=127)
        << Exit(127)
    )


def test_a_later_start_that_fails_is_tried_again() -> None:
    """A worker that has run before can be started; that it cannot right now (no memory) will pass."""
    script = ended(running(Restart.ON_FAILURE), 1)
    script = script >> at(script.engine.wake_at()) << Spawn(WEB)
    script = (
        script >> SpawnFailed(WEB, 126, "cannot allocate memory") << told("worker.not_started", status=126)
    )
    assert 1 <= script.engine.wake_at() - script.now <= 2
    assert started_again(script)


def test_after_the_way_out_has_begun_nothing_is_started() -> None:
    """A worker that is waiting to be started again when the stop comes has ended, with the status it last had."""
    assert (
        ended(running(Restart.ALWAYS), 3)
        >> STOP
        << told("task.draining")
        << told("task.stopping")
        << told("task.exited", status=3)
        << Exit(3)
        >> at(1000)
    )


def test_a_worker_that_ends_on_the_way_out_is_not_started_again() -> None:
    """`--restart always` is about accidents; an exit that was asked for is none."""
    assert (
        running(Restart.ALWAYS)
        >> STOP
        << told("task.draining")
        << Quiet(WEB, None)
        << told("task.stopping")
        << Stop(WEB, TERM)
        >> WorkerExited(WEB, 143, TERM)
        << told("worker.exited", status=143, signal="TERM")
        << told("task.exited", status=143)
        << Exit(143)
    )


def test_a_start_that_fails_on_the_way_out_keeps_the_status_the_worker_had() -> None:
    """What the worker said of itself counts more than a start that nobody needs any more."""
    script = ended(running(Restart.ON_FAILURE), 9)
    assert (
        script
        >> at(script.engine.wake_at())
        << Spawn(WEB)
        >> STOP
        << told("task.draining")
        << told("task.stopping")
        >> SpawnFailed(WEB, 126, "cannot allocate memory")
        << told("worker.not_started")
        << told("task.exited", status=9)
        << Exit(9)
    )


def test_a_first_start_that_fails_after_the_stop_gives_its_own_status() -> None:
    """C25: a stop that came before the command was found to be missing still ends with 127."""
    assert (
        Playbook(policy())
        >> STOP
        << told("task.draining")
        << told("task.stopping")
        >> SpawnFailed(WEB, 127, "no such file")
        << told("worker.not_started")
        << told("task.exited", status=127)
        << Exit(127)
    )


def test_a_worker_that_comes_back_while_the_task_is_quiet_is_told_so() -> None:
    """A worker that is started again takes no new work either."""
    script = running(Restart.ALWAYS) >> QuietRequested("operator") << told("task.quiet") << Quiet(WEB, None)
    assert started_again(ended(script, 1)) << Quiet(WEB, None)


def test_a_job_of_a_worker_that_is_started_again_stays_in_flight() -> None:
    """A worker's end is not its jobs' end: they may run in another process, whose own death would be seen."""
    script = started_again(ended(running(Restart.ALWAYS) >> HoldTaken(J1, ALICE, "horse"), 1))
    assert len(script.engine.snapshot(script.now).holds) == 1


@pytest.mark.parametrize(
    ("when", "status", "phase", "level"),
    [
        (Restart.NEVER, 0, Phase.RUNNING, Level.INFO),
        (Restart.NEVER, 1, Phase.RUNNING, Level.WARNING),
        (Restart.ALWAYS, 0, Phase.RUNNING, Level.WARNING),
        (Restart.NEVER, 143, Phase.STOPPING, Level.INFO),
    ],
)
def test_an_end_that_was_not_asked_for_is_a_warning(
    when: Restart, status: int, phase: Phase, level: Level
) -> None:
    """A failure, or an end that makes a new start necessary, stands out; success and an answered stop do not."""
    _, effects = worker.step(
        Worker(WEB, RestartPolicy(when), phase, pid=7), WorkerExited(WEB, status), Instant(1.0)
    )
    assert [effect.level for effect in effects if isinstance(effect, Note)] == [level]


def test_a_worker_can_be_signalled_only_while_it_has_a_process() -> None:
    """Alive is who has a process; pending is who may yet get one."""
    starting = Worker(WEB, RestartPolicy(Restart.ALWAYS))
    alive_and_pending = []
    state = starting
    for fact in (WorkerSpawned(WEB, 7), WorkerExited(WEB, 1), StopBegan(by_platform=True)):
        alive_and_pending.append((worker.is_alive(state), worker.is_pending(state)))
        state, _ = worker.step(state, fact, Instant(0.0))
    alive_and_pending.append((worker.is_alive(state), worker.is_pending(state)))
    assert alive_and_pending == [(False, True), (True, False), (False, True), (False, False)]
    stopping, _ = worker.step(starting, StopBegan(by_platform=True), Instant(0.0))
    assert worker.is_pending(stopping)
    assert not worker.is_pending(worker.step(stopping, WorkerSpawned(WEB, 7), Instant(0.0))[0])


@pytest.mark.parametrize(
    "history",
    [(WorkerSpawned(WEB, 7), WorkerExited(WEB, 0)), (SpawnFailed(WEB, 127, "no such file"),)],
)
def test_a_worker_that_has_ended_is_not_moved_by_the_way_out(history: tuple[Event, ...]) -> None:
    """Exited and fatal are final."""
    state = Worker(WEB, RestartPolicy())
    for fact in history:
        state, _ = worker.step(state, fact, Instant(0.0))
    assert worker.step(state, StopBegan(by_platform=False), Instant(1.0)) == (state, ())


def test_a_worker_is_woken_for_its_next_start_only() -> None:
    """Time changes nothing about a worker that runs."""
    state, _ = worker.step(Worker(WEB, RestartPolicy(Restart.ALWAYS)), WorkerSpawned(WEB, 7), Instant(0.0))
    assert worker.wake_at(state) == NEVER
    state, _ = worker.step(state, WorkerExited(WEB, 1), Instant(100.0))
    assert 100.5 <= worker.wake_at(state) <= 101


def test_a_start_that_was_due_is_called_off_for_good() -> None:
    """After the way out has begun, the instant of the next start passes unnoticed."""
    state = Worker(WEB, RestartPolicy(Restart.ALWAYS))
    for fact in (WorkerSpawned(WEB, 7), WorkerExited(WEB, 1), StopBegan(by_platform=True)):
        state, _ = worker.step(state, fact, Instant(0.0))
    assert worker.wake_at(state) == NEVER
    assert worker.step(state, Tick(), Instant(99.0)) == (state, ())
