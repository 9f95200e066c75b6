"""A scenario is played on a host, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.emulator.agent import Agent
from supervisor.emulator.container import Command
from supervisor.emulator.faults import Fault
from supervisor.emulator.host import Host
from supervisor.emulator.rehearsal import Rehearsal
from supervisor.emulator.scenario import parse
from supervisor.emulator.tasks import StopReason, TaskPhase
from supervisor.emulator.world import World
from tests.unit.emulator import actors
from tests.waiting import until


class Time:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def host(time: Time, tmp_path: Path) -> Iterator[Host]:
    with Agent(World(desired_count=2), clock=time) as agent:
        host = Host(agent, {"worker": Command(actors.GRACEFUL)}, tmp_path, in_namespaces=False)
        yield host
        host.close()


def test_steps_are_performed_when_their_time_comes(host: Host, time: Time) -> None:
    """Everything happens at its second and in order; what had no effect says why."""
    rehearsal = Rehearsal(
        parse(
            "at 0 scale-in 1\nat 2 spot 2\nat 2 stop-task 9\n"
            "at 3 agent fault hang\nat 3 agent fault throttled always\n"
            "at 4 agent well\nat 5 agent down\nat 6 agent up\nat 7 deploy\nat 8 scale 3\n"
            "at 9 end\nat 10 deploy"
        ),
        host,
    )
    desired = []
    for second in range(9):
        time.now = 1000.0 + second
        assert rehearsal.tick()
        desired.append(host.agent.world.desired_count)
        if second == 3:
            assert [host.agent.faults.take("PUT") for _ in range(3)] == [
                Fault.HANG,
                Fault.THROTTLED,
                Fault.THROTTLED,
            ]
        if second == 4:
            assert host.agent.faults.take("PUT") is Fault.NONE
    assert desired == [1, 1, 1, 1, 1, 1, 1, 1, 3]
    assert host.agent.world.deployment == 2
    time.now = 1009.0
    assert not rehearsal.tick()
    assert [(each.at, str(each.step.action), each.refusal) for each in rehearsal.performed] == [
        (0, "scale-in 1", None),
        (2, "spot 2", "no task 2 is running"),
        (2, "stop-task 9", "no task 9 is running"),
        (3, "agent fault hang", None),
        (3, "agent fault throttled always", None),
        (4, "agent well", None),
        (5, "agent down", None),
        (6, "agent up", None),
        (7, "deploy", None),
        (8, "scale 3", None),
        (9, "end", None),
    ]


def test_without_an_end_it_is_over_when_nobody_is_stopping(host: Host, time: Time) -> None:
    """After the last step the rehearsal goes on until the tasks it stopped have stopped."""
    rehearsal = Rehearsal(parse("at 1 stop-task 1\nat 1 spot 2"), host)
    assert rehearsal.tick()
    until(
        lambda: all(host.output_path(task.task_id, "worker").read_text() for task in host.service.tasks),
        why="both workers are ready",
    )
    time.now += 1
    assert rehearsal.tick()
    until(lambda: not rehearsal.tick(), why="both tasks have stopped")
    first, second, *_ = host.service.tasks
    assert (first.phase, second.phase) == (TaskPhase.STOPPED, TaskPhase.STOPPED)
    assert (first.stop_reason, second.stop_reason) == (StopReason.USER, StopReason.SPOT)


def test_a_deployment_too_many_is_told(tmp_path: Path) -> None:
    """A step that ECS would refuse is performed and says so."""
    world = World(desired_count=6, maximum_percent=1000)
    world.decide(0)
    while world.deploy():
        oldest = next(task for task in world.tasks if task.deployment == world.deployment - 1)
        world.set_protection(oldest.task_id, True, 60, 0)
        world.decide(0)
    rehearsal = Rehearsal(parse("at 0 deploy"), Host(Agent(world, clock=lambda: 1.0), {}, tmp_path))
    rehearsal.tick()
    assert rehearsal.performed[0].refusal == "too many deployments are unfinished"
