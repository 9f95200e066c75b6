"""What the watch over task metadata passes on, look by look."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from supervisor.adapters.ecs_metadata import TaskMetadata
from supervisor.adapters.task_watch import BEGUN, TaskWatch
from supervisor.core.effects import Note
from supervisor.core.events import Event, HolderDied, HoldReleased, HoldTaken, QuietRequested
from supervisor.core.names import HolderId
from supervisor.emulator.agent import Agent
from supervisor.emulator.tasks import ContainerPlan, RestartPolicy, StopReason
from supervisor.emulator.world import World
from tests.waiting import until

API = HolderId("api")


class Watched:
    """A task with a worker and a helper that is not essential, looked at from its sidecar."""

    def __init__(self, agent: Agent, worker: str | None) -> None:
        self.agent = agent
        self.task_id = agent.world.add_task(agent.now())
        self.posted: list[Event] = []
        self.told: list[Note] = []
        metadata = TaskMetadata(agent.metadata_uri(self.task_id, "sidecar"))
        self.watch = TaskWatch(metadata, worker, (API,), self.posted.append, self.told.append, 2.0)


@pytest.fixture(params=["worker", None, "misspelt"])
def watched(request: pytest.FixtureRequest) -> Iterator[Watched]:
    plans = [
        ContainerPlan("worker"),
        ContainerPlan("helper", essential=False),
        ContainerPlan("sidecar", restart=RestartPolicy(attempt_period=0.0)),
    ]
    with Agent(World(containers=plans)) as agent:
        yield Watched(agent, request.param)


def test_the_begin_of_a_stop_is_told_once(watched: Watched) -> None:
    """As a request to be quiet, before any container of ours is signalled, whether the worker is known by name or not."""
    watched.watch.look()
    assert watched.posted == []
    watched.agent.world.stop(watched.task_id, StopReason.SCALE_IN, watched.agent.now())
    for _ in range(3):
        watched.watch.look()
    assert watched.posted == [QuietRequested(BEGUN)]


def test_nobody_is_left_who_could_end_a_hold(watched: Watched) -> None:
    """When every other container has ended, what was held without a connection has ended too."""
    world, now = watched.agent.world, watched.agent.now()
    world.stop(watched.task_id, StopReason.USER, now)
    world.container_exited(watched.task_id, "worker", 137, now)
    watched.watch.look()
    assert HolderDied not in map(type, watched.posted)
    world.container_exited(watched.task_id, "helper", 0, now)
    for _ in range(3):
        watched.watch.look()
    ends = [event for event in watched.posted if isinstance(event, HolderDied)]
    assert [event.holder for event in ends] == ["before-restart", API]


def test_after_a_restart_the_task_counts_as_working_until_all_are_back(watched: Watched) -> None:
    """Nobody knows yet what is in flight; so nothing is let go and no stop goes through until the hooks had time to say it."""
    world = watched.agent.world
    world.container_exited(watched.task_id, "sidecar", 137, watched.agent.now())
    for _ in range(2):
        watched.watch.look()
    [taken] = watched.posted
    assert isinstance(taken, HoldTaken)
    assert not taken.fetching
    for _ in range(3):
        watched.watch.look()
    assert watched.posted == [taken, HoldReleased(taken.hold)]


def test_a_silent_agent_is_mentioned_once_and_nothing_follows(watched: Watched) -> None:
    """It restarts now and then; only a long silence is worth a word, and the watch goes on after it."""
    watched.agent.stop()
    for _ in range(30):
        assert watched.watch.look() is None
    assert [note.name for note in watched.told] == ["metadata.unavailable"]
    watched.agent.start()
    assert watched.watch.look() is not None
    assert watched.posted == []


def test_the_watch_looks_until_it_is_closed(watched: Watched) -> None:
    """In a thread of its own."""
    thread = threading.Thread(target=watched.watch.work)
    thread.start()
    watched.agent.world.stop(watched.task_id, StopReason.USER, watched.agent.now())
    until(lambda: watched.posted, why="the watch has seen it")
    watched.watch.close()
    thread.join(5)
    assert not thread.is_alive()
