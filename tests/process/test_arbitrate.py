"""`--arbitrate`: workers that speak with ECS themselves, as the processes of one task."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from supervisor.emulator.agent import Agent
from supervisor.emulator.world import World
from tests.conformance.arbitration_arena import OFF, ON, Arbitrated, arbitrated, ask, is_enabled
from tests.process.callers import worker
from tests.process.harness import Run, supervised
from tests.rehearsals.exposure import Held, longest_exposure, shortest_idleness
from tests.rehearsals.stage import asked
from tests.waiting import until

PROCESSES = 8
JOBS = 12

# Prints where it finds the agent, and stays.
TELLS = (sys.executable, "-S", "-u", "-c", "import os; print(os.environ['ECS_AGENT_URI']); input()")


def work(arena: Arbitrated, jobs: list[list[float]]) -> list[Held]:
    """Have one process for each list do its jobs, all at the same time; return when they worked."""
    with ExitStack() as stack:
        workers = [stack.enter_context(worker(arena.uri)) for _ in jobs]
        for each, seconds in zip(workers, jobs, strict=True):
            for one in seconds:
                each.tell(f"job {one}")
        done = [each.read() for each, seconds in zip(workers, jobs, strict=True) for _ in seconds]
    assert all(job["protected"] and job["released"] for job in done)
    return [Held(job["begun"], job["ended"]) for job in done]


def test_the_task_is_protected_exactly_while_somebody_works(tmp_path: Path) -> None:
    """Eight processes that toggle protection for each job are never unprotected in one, and the last job's end is the end of it."""
    chance = random.Random(20)
    held: list[Held] = []
    with arbitrated(tmp_path, answer_seconds=4.0, release_delay=0.0) as arena:
        for processes in (PROCESSES, 1, 3):
            held += work(arena, [[chance.uniform(0, 0.05) for _ in range(JOBS)] for _ in range(processes)])
            arena.until_protected(False)
        calls = arena.agent.protection_calls(arena.task_id)
        assert arena.agent.max_in_flight(arena.task_id) == 1
    assert longest_exposure(held, calls) == 0
    assert shortest_idleness(held, calls, way_seconds=0.0) > 0


def test_the_agent_is_asked_once_for_all(tmp_path: Path) -> None:
    """However often callers toggle, ECS hears of the first and, some time after the last, of that."""
    with arbitrated(tmp_path, answer_seconds=4.0, release_delay=1.0) as arena:
        work(arena, [[0.0] * JOBS] * PROCESSES)
        arena.until_protected(False)
        assert [asked(call) for call in arena.agent.protection_calls(arena.task_id)] == [
            "look",
            "protect",
            "unprotect",
        ]


@contextmanager
def running(*options: str, as_pid_1: bool = False) -> Iterator[tuple[Run, Agent, str]]:
    """Run the supervisor as a task; give also the address that its worker was handed."""
    with Agent(World()) as agent:
        task_id = agent.world.add_task(agent.now())
        environment = {"ECS_AGENT_URI": agent.uri(task_id)}
        with supervised(
            *TELLS,
            options=("--arbitrate", "--release-delay", "0", *options),
            env=environment,
            as_pid_1=as_pid_1,
            stdin=subprocess.PIPE,
        ) as run:
            run.until_ready()
            until(lambda: agent.protection_calls(task_id), why="the supervisor has looked")
            yield run, agent, run.output[0]


def test_a_worker_finds_the_supervisor_in_the_agents_place() -> None:
    """Its ECS_AGENT_URI leads here, what it claims protects the task, and its death ends that."""
    with running() as (run, agent, uri):
        [task] = agent.world.tasks
        with worker(uri) as caller:
            assert caller.ask("on")
            assert agent.is_protected(task.task_id)
            caller.kill()
        run.until(lambda: not agent.is_protected(task.task_id), "the task is not protected any more", limit=5)
        run.until_noted("holder.died")


def test_a_caller_in_another_namespace_keeps_its_claim_until_it_expires_or_lets_go() -> None:
    """Who cannot be seen cannot be seen to die: it is believed for as long as it asked, and by its word."""
    with running(as_pid_1=True) as (run, agent, uri):
        [task] = agent.world.tasks
        with worker(uri) as caller:
            assert caller.ask("on")
            caller.kill()
        told = ask(uri, "GET").json["protection"]
        assert told["ProtectionEnabled"]
        assert "holder.died" not in run.names()
        assert is_enabled(ask(uri, "PUT", ON))
        for _ in range(2):
            assert agent.is_protected(task.task_id)
            assert not is_enabled(ask(uri, "PUT", OFF))
        run.until(lambda: not agent.is_protected(task.task_id), "the task is not protected any more", limit=5)


def test_nothing_is_in_the_agents_place_unless_that_is_asked_for() -> None:
    """By default the worker finds the agent itself."""
    with Agent(World()) as agent:
        uri = agent.uri(agent.world.add_task(agent.now()))
        with supervised(*TELLS, env={"ECS_AGENT_URI": uri}, stdin=subprocess.PIPE) as run:
            run.until_ready()
            assert run.output[0] == uri
