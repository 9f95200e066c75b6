"""A job in a worker protects the task: hook, core and agent together, against the emulated ECS agent."""

from __future__ import annotations

import os
import signal

from supervisor.emulator.agent import Agent
from supervisor.emulator.world import World
from tests.process.harness import actor, supervised

HOLD = '{"op":"hold","id":"1","about":"send_mail"}'


def test_a_hold_protects_the_task_and_its_end_lets_it_go() -> None:
    """While a job runs the task is protected; after the release delay it is not any more."""
    world = World()
    with Agent(world) as agent:
        task = world.add_task(agent.now())
        options = ("--release-delay", "0.1")
        env = {"ECS_AGENT_URI": agent.uri(task)}
        with supervised(*actor("holds", HOLD), options=options, env=env) as run:
            run.until(lambda: world.is_protected(task, agent.now()), "the task is protected")
            run.until(
                lambda: any('"protected": true' in line for line in run.output), "the worker hears of it"
            )
            (worker,) = (line["pid"] for line in run.notes if line["event"] == "worker.started")
            os.kill(worker, signal.SIGUSR1)
            run.until(lambda: not world.is_protected(task, agent.now()), "the task is not protected any more")
            run.send(signal.SIGTERM)
            assert run.status() == 0


def test_an_agent_that_is_not_there_holds_up_nothing() -> None:
    """Without an agent the worker runs, is told that it is not protected, and is stopped like any other."""
    env = {"ECS_AGENT_URI": "http://127.0.0.1:9/api/x"}
    with supervised(*actor("holds", HOLD), env=env, options=("--stop-sequence", "TERM 5 KILL")) as run:
        run.until(lambda: any('"pong"' in line for line in run.output), "the hold is taken in")
        run.until(lambda: any(name.startswith("protection.") for name in run.names()), "the trouble is told")
        run.send(signal.SIGTERM)
        assert run.status() == 0
