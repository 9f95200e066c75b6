"""Deliveries and the task's protection: none begins before it, and what becomes of messages where it cannot be had."""

from __future__ import annotations

import pytest

from supervisor.emulator.agent import Agent
from supervisor.emulator.faults import Fault
from supervisor.emulator.world import World
from tests.rehearsals.deliveries import stage

pytestmark = pytest.mark.timeout(60)


def test_a_message_is_posted_when_the_task_is_protected() -> None:
    """Not before, and the protection lasts as long as the job."""
    with Agent(World()) as agent, stage("--release-delay", "0", agent=agent) as task:
        task.send("a", seconds=2)
        task.until_began("a")
        assert agent.is_protected(task.task_id)
        names = task.run.names()
        assert "protection.acquired" in names
        task.until(task.is_empty, "the message is deleted")
        task.until(lambda: not agent.is_protected(task.task_id), "the task is not protected any more")


def test_a_deployment_that_refuses_protection_gets_the_messages_back() -> None:
    """The task goes quiet, and what it has received but not begun is there for the new tasks."""
    with Agent(World()) as agent, stage("--release-delay", "0", agent=agent) as task:
        task.until_polling()
        agent.faults.always(Fault.DEPLOYMENT_BLOCKED)
        task.send("a")
        task.until(lambda: task.notes("task.quiet"), "the task is quiet")
        task.until(lambda: task.notes("deliveries.handed_back"), "the message is given back")
        assert task.said("began") == []
        assert task.visible() == 1
        assert task.run.timed_stop()[0] == 0
        assert max(task.server.history.counts("received").values()) == 1


@pytest.mark.parametrize("policy", ["open", "closed"])
def test_an_agent_that_is_broken_is_answered_by_policy(policy: str) -> None:
    """Open, the job runs unprotected after a bounded wait; closed, it does not, and its receives are not used up."""
    options = ("--protect-failure", policy, "--protect-wait", "2")
    with Agent(World()) as agent, stage(*options, agent=agent) as task:
        task.until_polling()
        agent.faults.always(Fault.SERVER_EXCEPTION)
        task.send("a")
        if policy == "open":
            task.until_began("a")
            task.until(task.is_empty, "the message is deleted")
            task.until(lambda: task.notes("hold.unprotected"), "it is told")
        else:
            task.until(lambda: task.notes("deliveries.handed_back"), "the message is given back")
            task.until(lambda: task.notes("hold.refused"), "that is told")
            assert task.said("began") == []
            assert sum(task.server.history.counts("received").values()) <= 2
