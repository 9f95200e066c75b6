"""What happens to one task's protection when its worker, its supervisor or its platform is not as it should be."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from supervisor.emulator.agent import Agent
from supervisor.emulator.faults import Fault
from supervisor.emulator.world import World
from tests.rehearsals.stage import NO_WAIT_SECONDS, task
from tests.waiting import until

# A hung call (5.5 s) comes on top of two starts on a busy machine.
pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def agent() -> Iterator[Agent]:
    with Agent(World()) as agent:
        yield agent


def test_a_process_killed_in_mid_job_holds_nothing(agent: Agent) -> None:
    """The job of a pool process that gets SIGKILL stops protecting the task within a second; the others go on."""
    with task(agent, "--release-delay", "0") as told:
        told.until_ready()
        child = told.tell("fork", "mail")["pid"]
        told.until_protected()
        killed_at = time.monotonic()
        os.kill(child, signal.SIGKILL)
        told.until_protected(False)
        assert told.orders() == ["look", "protect", "unprotect"]
        assert told.calls[-1].at - killed_at < 1.0
        assert told.tell("gate")["open"]


def test_a_worker_killed_in_mid_job_leaves_no_protection_behind(agent: Agent) -> None:
    """Where the kernel kills the worker itself, as it does for want of memory, the task ends without protection."""
    with task(agent) as told:
        told.until_ready()
        told.tell("begin", "mail")
        told.until_protected()
        os.kill(told.said("ready")[0]["ready"], signal.SIGKILL)
        assert told.run.status() == 137
        assert not told.is_protected


def test_one_process_ends_its_job_and_the_other_is_still_protected(agent: Agent) -> None:
    """C8: what one process of a task lets go does not unprotect what another one is doing."""
    with task(agent, "--release-delay", "0") as told:
        told.until_ready()
        child = told.tell("fork", "long")["pid"]
        told.until_protected()
        for number in range(5):
            told.tell("begin", f"short-{number}")
            told.tell("end", f"short-{number}")
        os.kill(child, signal.SIGKILL)
        told.until_protected(False)
        assert told.orders() == ["look", "protect", "unprotect"]


def test_a_supervisor_that_is_restarted_in_place_adopts_what_it_finds(agent: Agent) -> None:
    """The protection a killed supervisor has left behind covers the next one's job, and is released after it."""
    with task(agent) as first:
        first.until_ready()
        first.tell("begin", "cut")
        first.until_protected()
        first.run.send(signal.SIGKILL)
        assert first.run.process.wait(10) == -signal.SIGKILL
    known = len(first.orders())
    with task(agent, "--release-delay", "2", task_id=first.task_id) as second:
        second.run.until_noted("protection.adopted")
        second.tell("begin", "again")
        assert second.is_protected
        second.tell("end", "again")
        second.until_protected(False)
        assert second.orders()[known:] == ["look", "unprotect"]


def test_protection_that_nobody_needs_after_a_restart_is_let_go(agent: Agent) -> None:
    """A lease left behind does not keep an idle task from being scaled in until it expires."""
    with task(agent) as first:
        first.until_ready()
        first.tell("begin", "cut")
        first.until_protected()
    known = len(first.orders())
    with task(agent, "--release-delay", "0.2", task_id=first.task_id) as second:
        second.until_protected(False)
        assert second.orders()[known:] == ["look", "unprotect"]


@pytest.mark.parametrize("protect", ["at-start", "before-start"])
def test_a_task_of_no_service_is_asked_about_once(agent: Agent, protect: str) -> None:
    """RunTask: ECS protects no standalone task; that is found out once, told once, and no job waits for it."""
    with task(agent, "--protect", protect, "--release-delay", "0", standalone=True) as told:
        told.until_ready()
        for number in range(5):
            begun = told.tell("begin", f"job-{number}")
            assert begun["why"] is None
            assert begun["took"] < NO_WAIT_SECONDS
            told.tell("end", f"job-{number}")
        told.tell("exit")
        assert told.run.status() == 0
        assert told.orders() == ["look"]
        assert told.run.names().count("protection.not_applicable") == 1


def test_a_job_that_waits_for_protection_starts_with_it(agent: Agent) -> None:
    """With before-start and a healthy agent no job ever begins in a task that ECS would stop."""
    with task(agent, "--protect", "before-start", "--release-delay", "0") as told:
        told.until_ready()
        for number in range(5):
            begun = told.tell("begin", f"job-{number}")
            assert told.is_protected
            assert begun["why"] is None
            assert [call for call in told.calls if call.method == "PUT"][-1].at < begun["at"]
            told.tell("end", f"job-{number}")
            told.until_protected(False)


def test_a_job_that_waited_for_protection_knows_that_it_has_it(agent: Agent) -> None:
    """`job.protected` is true from the first line of a job that began because protection was confirmed."""
    with task(agent, "--protect", "before-start", "--release-delay", "0") as told:
        told.until_ready()
        knew = []
        for number in range(10):
            knew.append(told.tell("begin", f"job-{number}")["protected"])
            told.tell("end", f"job-{number}")
            told.until_protected(False)
        assert all(knew)


def test_a_quiet_task_is_released_with_its_last_job(agent: Agent) -> None:
    """The release delay spares a request when the next job comes soon; where none is welcome ECS need not wait for it."""
    options = ("--protected-budget", "0.02", "--release-delay", "3600")
    with task(agent, *options) as told:
        told.until_ready()
        told.tell("begin", "mail")
        told.until_protected()
        told.run.until_noted("protection.budget_spent")
        assert not told.tell("gate")["open"]
        told.tell("end", "mail")
        told.until_protected(False, limit=5.0)


@pytest.mark.parametrize("policy", ["open", "closed"])
def test_a_hung_agent_keeps_a_job_waiting_for_its_bound_and_no_longer(agent: Agent, policy: str) -> None:
    """With before-start and an agent that hangs, a job starts or is refused, by policy, when protect-wait is over."""
    agent.faults.always(Fault.HANG)
    wait_seconds = 1.0
    options = (
        "--protect",
        "before-start",
        "--protect-wait",
        f"{wait_seconds:g}",
        "--protect-failure",
        policy,
    )
    with task(agent, *options) as told:
        told.run.until(lambda: agent.in_flight(told.task_id), "the first request hangs", limit=20)
        told.tell("gate")
        begun = told.tell("begin", "mail")
        # The worker's own limit is a second longer than the supervisor's.
        assert wait_seconds * 0.9 < begun["took"] < wait_seconds + 1.0 + NO_WAIT_SECONDS
        if policy == "open":
            assert begun["why"] is None
        else:
            assert "no protection within 1 s" in begun["why"]
        assert not begun["protected"]


def test_a_job_that_begins_just_before_the_stop_is_waited_for(agent: Agent) -> None:
    """What a worker has said before the stop signal was sent counts, also where both are heard together."""
    with task(agent) as told:
        told.until_ready()
        # So that the connection stands.
        told.tell("begin", "first")
        told.until_protected()
        told.tell("end", "first")
        told.run.send(signal.SIGSTOP)
        told.tell("begin", "mail")
        told.run.send(signal.SIGTERM)
        told.run.send(signal.SIGCONT)
        told.run.status()
        assert told.said("handing_back", "mail")
        [draining] = [note for note in told.run.notes if note["event"] == "task.draining"]
        assert draining["in_flight"] == 1


def test_a_worker_that_ends_by_itself_leaves_no_protection_behind(agent: Agent) -> None:
    """The supervisor does not exit before the lease of its last job is released, release delay or not."""
    with task(agent, "--release-delay", "3600") as told:
        told.until_ready()
        told.tell("begin", "mail")
        told.until_protected()
        told.tell("end", "mail")
        told.tell("exit")
        assert told.run.status() == 0
        assert not told.is_protected


def test_a_worker_that_ends_by_itself_is_not_kept_by_a_hung_agent(agent: Agent) -> None:
    """The release on the way out is waited for as long as one call may take, then the container exits all the same."""
    with task(agent, "--release-delay", "3600") as told:
        told.until_ready()
        told.tell("begin", "mail")
        told.until_protected()
        agent.faults.always(Fault.HANG)
        told.tell("end", "mail")
        told.tell("exit")
        assert told.run.status(limit=20) == 0


def test_a_job_longer_than_its_lease_stays_protected() -> None:
    """Renewals come before the lease ends, without a gap, for as long as the job runs."""
    # The lease of a minute lasts ten seconds in this world, and is asked for again after five.
    with (
        Agent(World(), time_scale=6.0) as agent,
        task(agent, "--lease", "1", "--renew-before", "0.95") as told,
    ):
        told.until_ready()
        told.tell("begin", "long")
        told.until_protected()
        over_at = time.monotonic() + 12.0
        until(
            lambda: not told.is_protected or time.monotonic() > over_at,
            limit=20,
            why="the job has had its time",
        )
        assert told.is_protected
        assert told.orders().count("protect") >= 3
        assert "protection.renewed" in told.run.names()
