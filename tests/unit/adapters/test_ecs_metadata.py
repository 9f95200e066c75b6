"""What is read out of task metadata, as the emulated agent and broken ones give it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from supervisor.adapters.bounded_http import NoReply, Reply
from supervisor.adapters.ecs_metadata import Identity, TaskMetadata, TaskState
from supervisor.emulator.agent import Agent
from supervisor.emulator.tasks import ContainerPlan, StopReason
from supervisor.emulator.world import World


@pytest.fixture
def agent() -> Iterator[Agent]:
    plans = [ContainerPlan("worker"), ContainerPlan("sidecar", ("worker",))]
    with Agent(World(containers=plans, cluster="blue", service="mails")) as agent:
        yield agent


def read(agent: Agent, task_id: str) -> TaskState:
    state = TaskMetadata(agent.metadata_uri(task_id, "sidecar")).read()
    assert isinstance(state, TaskState), state
    return state


def test_a_task_knows_who_it_is(agent: Agent) -> None:
    """By its own DockerId, in whatever order the containers come; the cluster's and the task's names without the ARN."""
    task_id = agent.world.add_task(agent.now())
    expected = Identity("blue", "mails", task_id, "mails", "1", "sidecar")
    for _ in range(10):
        assert read(agent, task_id).identity == expected
    assert TaskMetadata(agent.metadata_uri(task_id, "sidecar")).identity() == expected


def test_a_task_of_no_service_says_so(agent: Agent) -> None:
    """The service is absent from its metadata."""
    task_id = agent.world.add_task(agent.now(), standalone=True)
    assert read(agent, task_id).identity.service is None


def test_other_containers_are_seen_by_name(agent: Agent) -> None:
    """What ECS wants of them and what it knows of them; our own is not among them."""
    task_id = agent.world.add_task(agent.now())
    before = read(agent, task_id)
    assert (before.is_to_stop, list(before.others)) == (False, ["worker"])
    assert (before.others["worker"].is_to_stop, before.others["worker"].has_stopped) == (False, False)
    agent.world.stop(task_id, StopReason.USER, agent.now())
    ordered = read(agent, task_id)
    assert (ordered.is_to_stop, ordered.others["worker"].is_to_stop) == (True, True)
    assert not ordered.others["worker"].has_stopped
    agent.world.container_exited(task_id, "worker", 0, agent.now())
    assert read(agent, task_id).others["worker"].has_stopped


OWN = {"DockerId": "a1", "Name": "sidecar"}
TASK = {"Cluster": "blue", "TaskARN": "arn:aws:ecs:x:1:task/blue/t1", "Family": "f", "Revision": "3"}


def answering(own: object, task: object, status: int = 200) -> TaskMetadata:
    """Metadata whose agent gives these two documents."""

    def ask(_method: str, url: str, _body: None, **_limits: float) -> Reply | NoReply:
        given = task if url.endswith("/task") else own
        return (
            given
            if isinstance(given, NoReply | Reply)
            else Reply(status, "application/json", json.dumps(given).encode())
        )

    return TaskMetadata("http://x/v4/1/", ask)


def test_the_containers_of_the_agent_do_not_count() -> None:
    """Whoever owns a shared namespace is no neighbour: it outlives all others."""
    pause = {"DockerId": "p", "Name": "~internal~ecs~pause", "Type": "CNI_PAUSE"}
    state = answering(OWN, {**TASK, "Containers": [pause, OWN]}).read()
    assert isinstance(state, TaskState)
    assert (state.others, state.is_to_stop) == ({}, False)


@pytest.mark.parametrize(
    ("own", "task", "says"),
    [
        (NoReply(sent=False, why="refused"), {}, "no answer from the task metadata endpoint: refused"),
        (OWN, NoReply(sent=True, why="timed out"), "timed out"),
        ([], {}, "is no object"),
        ({}, {}, "DockerId"),
        ({"DockerId": 3}, {}, "DockerId is 3"),
        (Reply(200, "application/json", b"[" * 60_000), {}, "not as expected"),
        (OWN, TASK, "Containers"),
        (OWN, {**TASK, "Containers": {}}, "Containers is no list"),
        (OWN, {**TASK, "Containers": ["x"]}, "not as expected"),
        (OWN, {"Containers": [OWN]}, "Cluster"),
    ],
)
def test_what_cannot_be_read_is_a_text(own: object, task: object, says: str) -> None:
    """Whatever the agent answers, nobody falls over it."""
    metadata = answering(own, task)
    told = metadata.read()
    assert isinstance(told, str)
    assert says in told
    assert metadata.identity() is None


def test_an_error_is_a_string_of_the_agents() -> None:
    """Its own words are passed on, not taken for a document."""
    told = answering("V4 container metadata handler: unable to get container", {}, 404).read()
    assert told == (
        'the task metadata endpoint answers 404: "V4 container metadata handler: unable to get container"'
    )


def test_garbage_is_a_text_too() -> None:
    """Even a success that is no JSON."""
    garbage = TaskMetadata("http://x/v4/1", lambda *_, **__: Reply(200, "text/html", b"<html>"))
    assert "not as expected" in str(garbage.read())
