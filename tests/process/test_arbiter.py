"""Hook-only mode with real processes: one arbiter for all of them, whatever they do to each other and to themselves."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.emulator.agent import Agent
from supervisor.emulator.faults import Fault
from supervisor.emulator.world import World
from supervisor.hooks import _election, _whereabouts
from tests.process.crew import Crew, Member, crew
from tests.process.harness import ROOT, actor, supervised

# What a release may take that is waited for at the end of a process, beyond the bound itself: a slow machine.
SLACK_SECONDS = 2.0


@pytest.fixture
def agent() -> Iterator[Agent]:
    with Agent(World()) as running:
        yield running


@pytest.fixture
def container(agent: Agent) -> Iterator[Crew]:
    with crew(agent) as made:
        yield made


def elected(container: Crew, *arguments: str) -> Member:
    """Start a process that works, and wait until it is the arbiter and has protected the task."""
    member = container.start(*arguments)
    member.tell("begin first")
    container.until_protected()
    container.until(member.sees_protection, "the arbiter's own process hears of it")
    assert member.is_arbiter()
    return member


def adopted(member: Member) -> bool:
    return any(note["event"] == "protection.adopted" for note in member.notes)


def test_the_first_process_that_works_is_the_arbiter(container: Crew) -> None:
    """It protects the task while anybody holds, also others, and they all hear of it."""
    first, second = elected(container), container.start()
    second.tell("begin second")
    container.until(second.sees_protection, "the other hears of it")
    first.tell("end first")
    assert container.arbiters() == [first]
    assert container.orders()[:2] in (["look", "protect"], ["protect"])
    assert container.is_protected


def test_protection_is_let_go_when_nobody_has_worked_for_the_release_delay(agent: Agent) -> None:
    """Between processes that live on, the delay of the settings decides."""
    with crew(agent, ECS_SUPERVISOR_RELEASE_DELAY="0.2") as container:
        member = elected(container, "0.5")
        member.tell("end first")
        container.until_protected(False)
        member.tell("begin again")
        container.until_protected()


@pytest.mark.parametrize(
    "environ",
    [
        {"ECS_AGENT_URI": ""},
        {"ECS_SUPERVISOR_SOCKET": "/tmp/nobody-listens-here.sock"},
        {"ECS_SUPERVISOR_SOCKET": "none"},
        {"ECS_SUPERVISOR_PROTECT": "never"},
    ],
    ids=lambda environ: "=".join(*environ.items()),
)
def test_no_arbiter_where_none_is_wanted(container: Crew, environ: dict[str, str]) -> None:
    """Outside ECS, under a supervisor, or switched off, a process works as if nothing were here."""
    member = container.start(environ=environ)
    member.tell("begin alone")
    # It has had the time of several attempts to connect when the gate has opened without a word.
    assert member.tell("look")["open"] is True
    assert not member.is_arbiter()
    member.tell("end alone")
    assert member.end() == 0
    assert container.orders() == []
    assert member.errors == []


def test_a_killed_arbiter_is_followed_by_another(container: Crew) -> None:
    """The job of another process stays protected through the change, and nothing is released under it."""
    first, second = elected(container), container.start()
    second.tell("begin long")
    container.until(second.sees_protection, "the other is connected")
    asked = len(container.orders())
    first.kill()
    container.until(second.is_arbiter, "the other takes over")
    container.until(lambda: len(container.orders()) > asked, "it looks after the protection itself")
    container.until(second.sees_protection, "and confirms it")
    assert "unprotect" not in container.orders()
    assert container.is_protected


@pytest.mark.parametrize("left", ["fork", "forkjob", "spawn"])
def test_what_the_arbiter_started_does_not_keep_its_office(container: Crew, left: str) -> None:
    """A forked child that lives on, idle or with a job of its own, or another program: the killed arbiter is followed."""
    first, second = elected(container), container.start()
    second.tell("begin long")
    container.until(second.sees_protection, "the other is connected")
    first.tell(f"{left} job" if left == "forkjob" else left)
    asked = len(container.orders())
    first.kill()
    # With a job of its own the child may be the one; it cannot be asked.
    container.until(lambda: len(container.orders()) > asked, "another takes over")
    assert left == "forkjob" or second.is_arbiter()
    container.until(second.sees_protection, "and protects the task")
    assert "unprotect" not in container.orders()


def test_an_arbiter_that_becomes_another_program_is_followed(container: Crew) -> None:
    """Neither lock nor connections survive an exec, although the process does."""
    first, second = elected(container), container.start()
    second.tell("begin long")
    container.until(second.sees_protection, "the other is connected")
    first.tell("reexec")
    container.until(second.is_arbiter, "the other takes over")
    assert first.process.poll() is None
    assert "unprotect" not in container.orders()


def test_a_master_that_used_a_hook_before_it_forked_is_the_arbiter(container: Crew) -> None:
    """Its children are clients, and their jobs protect the task."""
    master = container.start()
    # What the documentation asks a master to do before it forks.
    master.tell("look")
    container.until(master.is_arbiter, "the master is the arbiter")
    child = master.tell("forkjob childs")
    assert child["pid"] != master.pid
    container.until_protected()
    assert master.is_arbiter()
    os.kill(child["pid"], signal.SIGKILL)
    assert container.orders()[-1] == "protect"


@pytest.mark.timeout(60)
def test_children_of_a_master_without_hooks_follow_each_other(container: Crew) -> None:
    """Each arbiter is gone after some jobs, in order or at once; the jobs of the others are protected all the time."""
    steady = [container.start() for _ in range(2)]
    arbiter = elected(container)
    for number, member in enumerate(steady):
        member.tell(f"begin steady{number}")
        container.until(member.sees_protection, "it is connected")
    for words in ("exit", "gone", "exit"):
        assert arbiter.end(words) == 0
        container.until(lambda: len(container.arbiters()) == 1, "one of the others takes over")
        (arbiter,) = container.arbiters()
        for member in container.members:
            if member.process.poll() is None:
                container.until(member.sees_protection, "everybody has found it")
        # A new worker in place of the one that is gone, so that there is always one more.
        steady.append(container.start())
        steady[-1].tell(f"begin steady{len(steady)}")
        container.until(steady[-1].sees_protection, "it is connected")
        assert container.is_protected
    assert "unprotect" not in container.orders()
    assert container.agent.max_in_flight(container.task_id) == 1


def test_the_last_process_lets_protection_go_when_it_ends(container: Crew) -> None:
    """Its end in order releases at once, without the release delay: nobody is left to do it later."""
    member = elected(container)
    member.tell("end first")
    assert container.is_protected
    assert member.end() == 0
    assert not container.is_protected
    assert container.orders()[-1] == "unprotect"


def test_a_process_that_ends_leaves_protection_to_those_who_are_here(container: Crew) -> None:
    """They may begin a job at any moment; the one that they elect lets go after the delay."""
    first, second = elected(container), container.start("0.5")
    second.tell("look")
    container.until(second.sees_protection, "the other is connected")
    first.tell("end first")
    assert first.end() == 0
    assert container.is_protected
    container.until(second.is_arbiter, "the other takes over")
    container.until(lambda: adopted(second), "it adopts the protection")
    assert second.end() == 0
    assert not container.is_protected


def test_a_child_of_multiprocessing_lets_protection_go(container: Crew) -> None:
    """It leaves by os._exit, and yet in order."""
    member = container.start()
    member.tell("process mail")
    assert "protect" in container.orders()
    container.until_protected(False)


def test_an_agent_that_hangs_delays_the_end_of_a_process_by_a_bound(agent: Agent, container: Crew) -> None:
    """The release is asked for, and its answer waited for no longer than LEAVE_SECONDS."""
    member = elected(container)
    member.tell("end first")
    agent.faults.always(Fault.HANG)
    began = time.monotonic()
    assert member.end() == 0
    assert time.monotonic() - began < _election.LEAVE_SECONDS + SLACK_SECONDS


def test_a_new_arbiter_waits_for_the_clients_of_the_old_one(agent: Agent) -> None:
    """With no release delay at all, an adopted protection is not let go before everybody could come back."""
    with crew(agent, ECS_SUPERVISOR_RELEASE_DELAY="0") as container:
        first, second = elected(container, "3"), container.start("3")
        second.tell("look")
        container.until(second.sees_protection, "the other is connected")
        first.kill()
        container.until(second.is_arbiter, "the other takes over")
        container.until(lambda: adopted(second), "it has adopted the protection")
        looked = agent.protection_calls(container.task_id)[-1]
        container.until_protected(False)
        released = agent.protection_calls(container.task_id)[-1]
        assert released.at - looked.at >= 3.0


def test_the_worker_s_signals_are_its_own(container: Crew) -> None:
    """No handler is installed, every thread of the arbiter blocks all signals, and SIGTERM does what it always does."""
    idle = container.start(environ={"ECS_AGENT_URI": ""})
    before = idle.tell("threads")
    member = elected(container)
    after = member.tell("threads")
    assert after["handlers"] == before["handlers"]
    # The main thread, and the client's that listens.
    assert after["threads"] - after["blocking"] == 2
    assert after["blocking"] >= 1
    member.process.send_signal(signal.SIGTERM)
    assert member.process.wait(10) == -signal.SIGTERM


def test_a_stop_is_not_known_to_anybody(container: Crew) -> None:
    """In a worker with a handler of its own the job runs on, protected, and is not told that it is to stop."""
    member = elected(container, "-", "import signal; signal.signal(signal.SIGTERM, lambda *_: None)")
    member.process.send_signal(signal.SIGTERM)
    seen = member.tell("look")
    assert (seen["stopping"], seen["open"], seen["protected"]) == (False, True, True)
    member.tell("end first")
    assert member.end() == 0
    assert not container.is_protected


def test_a_waiting_deployment_closes_the_gates(agent: Agent) -> None:
    """What ECS refuses is told to all hooks as it is under a supervisor; they open when it is over."""
    with crew(agent, ECS_SUPERVISOR_RELEASE_WINDOW="1") as container:
        other = container.start()
        agent.faults.always(Fault.DEPLOYMENT_BLOCKED)
        member = container.start()
        member.tell("begin first")
        container.until(lambda: member.tell("look")["phase"] == "quiet", "the arbiter is quiet")
        container.until(lambda: not other.tell("look")["open"], "the gate of another process is shut")
        agent.faults.clear()
        member.tell("end first")
        container.until(lambda: other.tell("look")["open"], "it opens again")


def test_a_job_that_waits_begins_when_protection_is_confirmed(agent: Agent) -> None:
    """`before-start` waits for the election as well; nobody has told the process how long, it reads the settings."""
    with crew(agent, ECS_SUPERVISOR_PROTECT="before-start") as container:
        for _ in range(2):
            begun = container.start().tell("begin mail")
            assert (begun["protected"], begun["why"]) == (True, None)


def test_a_setting_that_is_not_usable_is_said_in_one_line(agent: Agent) -> None:
    """The default counts, and the worker works."""
    with crew(agent, ECS_SUPERVISOR_LEASE="soon", ECS_SUPERVISOR_LOG_LEVEL="") as container:
        member = elected(container)
        (said,) = member.notes
        assert said["event"] == "settings.doubtful"
        assert "ECS_SUPERVISOR_LEASE" in said["doubt"]
        body = agent.protection_calls(container.task_id)[-1].body
        assert b'"ExpiresInMinutes": 60' in body


def test_a_process_with_patched_threads_stays_out(container: Crew) -> None:
    """It says so once, and its jobs are protected by the arbiter of another process."""
    patch = "import _thread; real = _thread.start_new_thread; _thread.start_new_thread = lambda *a: real(*a)"
    member = container.start("-", patch)
    member.tell("begin first")
    container.until(lambda: member.errors, "it says that it cannot be arbiter")
    assert not member.is_arbiter()
    other = container.start()
    other.tell("look")
    container.until(other.is_arbiter, "another process is the arbiter")
    container.until_protected()
    assert len(member.errors) == 1
    assert "patched" in member.errors[0]


def test_the_hooks_alone_have_no_arbiter(container: Crew, tmp_path: Path) -> None:
    """Where the distribution is not installed one line says so, and the worker works."""
    alone = tmp_path / "supervisor"
    shutil.copytree(ROOT / "supervisor" / "hooks", alone / "hooks")
    shutil.copy(ROOT / "supervisor" / "__init__.py", alone)
    member = container.start(environ={"PYTHONPATH": str(tmp_path)})
    member.tell("begin first")
    container.until(lambda: member.errors, "it says that it cannot be arbiter")
    member.tell("end first")
    assert member.end() == 0
    assert len(member.errors) == 1
    assert "only the hooks are installed" in member.errors[0]
    assert container.orders() == []


def test_a_supervisor_in_the_container_is_not_interfered_with(container: Crew) -> None:
    """A process that was not started by it (somebody's shell) does not become an arbiter beside it."""
    with supervised(*actor("waits"), env={"ECS_AGENT_URI": container.environ["ECS_AGENT_URI"]}) as run:
        run.until_ready()
        member = container.start()
        member.tell("begin first")
        container.until(lambda: member.errors, "it says that it cannot be arbiter")
        assert "a supervisor runs in this container" in member.errors[0]
        assert not member.is_arbiter()


@pytest.mark.timeout(60)
def test_a_fork_finds_the_arbiter_at_rest(container: Crew) -> None:
    """Children that are forked while the arbiter is being loaded and is busy find no import lock taken."""
    program = """
import os, sys, threading
from supervisor.hooks.job import Job
busy = threading.Event()
def jobs():
    while not busy.is_set():
        Job("short").begin().end()
threading.Thread(target=jobs, daemon=True).start()
for _ in range(30):
    pid = os.fork()
    if pid == 0:
        import supervisor.arbiter, selectors, dataclasses, json, queue, datetime
        os._exit(0)
    if os.waitpid(pid, 0)[1] != 0:
        os._exit(1)
busy.set()
os.write(1, b'{"done":1}\\n')
"""
    member = container.start("-", program)
    assert member.lines[0] == {"done": 1}


def test_many_forked_children_leave_no_descriptor_of_the_arbiter(container: Crew) -> None:
    """A child has neither the listening socket, nor anybody's connection, nor the lock's file."""
    first, second = elected(container), container.start()
    second.tell("look")
    container.until(second.sees_protection, "the other is connected")
    folder = _whereabouts.folder_for(container.environ["ECS_AGENT_URI"])
    assert _opened(first.pid, folder)
    child = first.tell("forkjob childs")["pid"]
    # The client has it twice.
    container.until(lambda: len(_opened(child, "socket:")) == 2, "the child has a connection of its own")
    assert not _opened(child, folder)


def _opened(pid: int, what: str) -> list[str]:
    """Return what a process has open and has this in its name."""
    links = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(os.readlink(entry))
        except OSError:
            continue
    return [link for link in links if what in link]
