"""`ecs-supervisor doctor` in the places where it is called: with and without ECS, a supervisor, queues, and a shell as PID 1."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from supervisor import __version__
from supervisor.core.status import USAGE
from supervisor.emulator.agent import Agent
from supervisor.emulator.faults import Fault
from supervisor.emulator.sqs import faults
from supervisor.emulator.sqs.server import SqsServer
from supervisor.emulator.world import World
from tests.process.harness import actor, checkout, namespace
from tests.process.steered import LIMIT_SECONDS, steered
from tests.process.test_run_protects import HOLD
from tests.process.test_sqsd_says import redrive
from tests.rehearsals.deliveries import AWS

Findings = list[tuple[str, str, str]]

NOTHING: Mapping[str, str] = MappingProxyType({})


@pytest.fixture
def agent() -> Iterator[Agent]:
    with Agent(World()) as running:
        yield running


@pytest.fixture
def sqs() -> Iterator[SqsServer]:
    with SqsServer() as running:
        yield running


def run(
    words: Sequence[str], directory: Path, entry: Sequence[str] = (), **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run the command, in a place where no supervisor listens unless the environment says so."""
    nobody = {"ECS_SUPERVISOR_API": f"unix:{directory}/nobody"}
    return subprocess.run(
        [*(entry or checkout()), "doctor", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * LIMIT_SECONDS,
        env=os.environ | nobody | environ,
    )


def look(
    directory: Path,
    *words: str,
    status: int = 0,
    entry: Sequence[str] = (),
    environ: Mapping[str, str] = NOTHING,
) -> Findings:
    """Return what it found: verdict, about, what."""
    done = run(["--json", *words], directory, entry, **environ)
    assert (done.returncode, done.stderr) == (status, "")
    told: dict[str, Any] = json.loads(done.stdout)
    assert (told["verdict"] == "wrong") == (status == 1)
    for each in told["findings"]:
        assert bool(each["why"]) == bool(each["fix"]) == (each["verdict"] != "well")
    return [(each["verdict"], each["about"], each["what"]) for each in told["findings"]]


def about(findings: Findings, word: str) -> list[tuple[str, str]]:
    return [(verdict, what) for verdict, each, what in findings if each == word]


def in_task(agent: Agent) -> dict[str, str]:
    """Return what ECS sets for a task of the agent's world."""
    with agent.world_lock:
        task = agent.world.add_task(agent.now())
    return {"ECS_AGENT_URI": agent.uri(task), "ECS_CONTAINER_METADATA_URI_V4": agent.metadata_uri(task)}


def test_where_there_is_nothing_it_is_doubtful_and_no_failure(tmp_path: Path) -> None:
    """As when an image is built: each doubt with its reason and what to do, and a count in the end."""
    done = run([], tmp_path, ECS_AGENT_URI="", ECS_CONTAINER_METADATA_URI_V4="")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "doubtful  place       this is no container of an ECS task"
    assert [line.split()[0] for line in lines[1:3]] == ["why:", "fix:"]
    assert lines[3].startswith(f"well      python      ecs-supervisor {__version__} on Python 3.")
    assert f"doubtful  supervisor  no supervisor listens at unix:{tmp_path}/nobody" in lines
    assert lines[-1].endswith("doubtful")


def test_a_task_that_works_is_well(tmp_path: Path, agent: Agent) -> None:
    """The agent, the supervisor and what it has shown; nothing is asked of the agent but a look."""
    env = in_task(agent)
    with steered(tmp_path, *actor("holds", HOLD), env=env) as task:
        task.run.until_noted("protection.acquired")
        before = len(agent.calls)
        done = task.command("doctor", "--json", **env)
        assert done.returncode == 0
        told = json.loads(done.stdout)["findings"]
        pid = task.run.process.pid
        asked = {call.method for call in agent.calls[before:] if call.is_protection}
    assert asked == {"GET"}
    well = [each["what"] for each in told if each["verdict"] == "well"]
    for begin in (
        "this is a container of an ECS task",
        "the agent answers, ecs:GetTaskProtection is allowed; protected for another",
        "ecs:UpdateTaskProtection is allowed: the supervisor has protected this task",
        f"version {__version__}, pid {pid}, running for",
        "protection protected: ECS leaves this task alone",
    ):
        assert any(what.startswith(begin) for what in well), begin


@pytest.mark.parametrize(
    ("fault", "status", "verdict", "told"),
    [
        (Fault.IAM_DENIED, 1, "wrong", "ecs:GetTaskProtection is not allowed (AccessDeniedException)"),
        (
            Fault.NO_ROLE_CREDENTIALS,
            1,
            "wrong",
            "the agent does not tell how the task is protected (AccessDenied",
        ),
        (Fault.GARBAGE, 1, "wrong", "the agent does not tell how the task is protected"),
        (Fault.TASK_NOT_VALID, 0, "doubtful", "this task is not a service's (TASK_NOT_VALID)"),
    ],
)
def test_what_the_agent_says_is_explained(
    tmp_path: Path, agent: Agent, fault: Fault, status: int, verdict: str, told: str
) -> None:
    """By the class of trouble; a task that belongs to no service has none to be protected from."""
    agent.faults.always(fault)
    found = about(look(tmp_path, status=status, environ=in_task(agent)), "protection")
    assert found[0][0] == verdict
    assert found[0][1].startswith(told)


def test_a_role_that_may_not_protect_is_told_by_the_supervisor(tmp_path: Path, agent: Agent) -> None:
    """It has tried, where a look alone succeeds."""
    agent.faults.always(Fault.IAM_DENIED, method="PUT")
    env = in_task(agent)
    with steered(tmp_path, *actor("holds", HOLD), env=env) as task:
        task.run.until_noted("protection.not_allowed")
        found = about(look(tmp_path, status=1, environ=task.environ | env), "protection")
    assert [verdict for verdict, _ in found] == ["well", "wrong"]
    assert found[1][1].endswith("(AccessDeniedException)")


def test_an_agent_that_is_gone_is_wrong(tmp_path: Path, agent: Agent) -> None:
    """Nothing listens where ECS_AGENT_URI points to."""
    env = in_task(agent)
    agent.stop()
    ((verdict, what), _) = about(look(tmp_path, status=1, environ=env), "protection")
    assert (verdict, "(AgentUnreachable)" in what) == ("wrong", True)


def test_a_supervisor_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    """Where nobody has named one, there may be none yet."""
    address = f"unix:{tmp_path}/named"
    found = about(look(tmp_path, "--api", address, status=1), "supervisor")
    assert found == [("wrong", f"no supervisor listens at {address}")]


def test_another_that_listens_is_no_supervisor(tmp_path: Path, sqs: SqsServer) -> None:
    """Its answer is not taken for one."""
    api = sqs.url.removeprefix("http://")
    ((verdict, _),) = about(look(tmp_path, "--api", api, status=1), "supervisor")
    assert verdict == "wrong"


def test_a_queue_as_it_should_be(tmp_path: Path, sqs: SqsServer) -> None:
    """No message is taken, deleted or made visible; the variable of `sqsd` names the queue as well."""
    url = sqs.create_queue("jobs", RedrivePolicy=redrive(10))
    by_flag, by_variable = ("--queue-url", url), {"ECS_SUPERVISOR_QUEUE_URL": url}
    for found in (
        about(look(tmp_path, *by_flag, environ=AWS), "queue"),
        about(look(tmp_path, environ=AWS | by_variable), "queue"),
    ):
        assert [verdict for verdict, _ in found] == ["well", "well"]
        assert "sqs:ReceiveMessage was not tried" in found[1][1]
    assert not sqs.calls("ReceiveMessage")


@pytest.mark.parametrize(
    ("action", "status", "verdicts"),
    [
        ("DeleteMessage", 1, ["wrong", "well"]),
        ("ChangeMessageVisibility", 1, ["wrong", "well"]),
        ("GetQueueAttributes", 0, ["doubtful", "well"]),
    ],
)
def test_a_right_that_is_missing_is_named(
    tmp_path: Path, sqs: SqsServer, action: str, status: int, verdicts: list[str]
) -> None:
    """As in a policy; `sqsd` works without looking at attributes, and not without the others."""
    url = sqs.create_queue("jobs", RedrivePolicy=redrive(10))
    sqs.faults.now_and_then(faults.Fault.DENIED, 1.1, action)
    found = about(look(tmp_path, "--queue-url", url, status=status, environ=AWS), "queue")
    assert [verdict for verdict, _ in found] == verdicts
    assert found[0][1].startswith(f"this task may not sqs:{action} on the queue jobs")


def test_each_of_several_queues_is_looked_at(tmp_path: Path, sqs: SqsServer) -> None:
    """One without dead letters is doubtful, one that is not there is wrong."""
    first = sqs.create_queue("first")
    words = ("--queue-url", first, "--queue-url", first.replace("first", "second"))
    found = about(look(tmp_path, *words, status=1, environ=AWS), "queue")
    assert [verdict for verdict, _ in found] == ["doubtful", "well", "wrong"]
    assert found[0][1] == "the queue first has no dead-letter queue"
    assert found[2][1].startswith("the queue second cannot be looked at")


def test_a_service_that_asks_for_patience_is_doubtful(tmp_path: Path, sqs: SqsServer) -> None:
    """Nothing is known about the queue then."""
    sqs.faults.now_and_then(faults.Fault.THROTTLE, 1.1)
    found = about(look(tmp_path, "--queue-url", sqs.create_queue("jobs"), environ=AWS), "queue")
    assert [verdict for verdict, _ in found] == ["doubtful"]


def test_without_credentials_no_queue_is_looked_at(tmp_path: Path, sqs: SqsServer) -> None:
    """The client itself cannot be made, or is refused."""
    url = sqs.create_queue("jobs")
    environ = AWS | {"AWS_REGION": "", "AWS_PROFILE": "nobody"}
    ((verdict, what),) = about(look(tmp_path, "--queue-url", url, status=1, environ=environ), "queue")
    assert (verdict, what.startswith("the queue jobs cannot be looked at")) == ("wrong", True)


@pytest.mark.parametrize(
    "words",
    [
        ["--queue-url", "jobs"],
        ["--queue-urls", "x"],
        ["now"],
        ["--api", "nowhere"],
        ["--pid", "x"],
    ],
)
def test_wrong_words_are_explained_and_nothing_is_looked_at(tmp_path: Path, words: list[str]) -> None:
    """One sentence, and the status of wrong usage."""
    done = run(words, tmp_path)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert done.stderr.startswith("ecs-supervisor: ")
    assert done.stderr.count("\n") == 1


def test_help_is_printed(tmp_path: Path) -> None:
    """With what it looks at, and the statuses."""
    done = run(["--help"], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: ecs-supervisor doctor ")


def test_a_library_without_bytecode_is_doubtful(tmp_path: Path) -> None:
    """Here Python is told to look for it in an empty directory, and to leave that as it is."""
    python, *rest = checkout()
    entry = (python, "-B", "-X", f"pycache_prefix={tmp_path}/empty", *rest)
    ((verdict, what),) = about(look(tmp_path, entry=entry), "bytecode")
    assert verdict == "doubtful"
    assert what.startswith("the standard library is not compiled (0 of ")


def test_a_shell_as_pid_1_that_waits_for_its_command_is_doubtful(tmp_path: Path) -> None:
    """The worker's signals end there; the shell of a build step waits for nobody but this command."""
    words = (*checkout(), "doctor", "--json")
    for before, verdicts in (("sleep 60 & ", ["doubtful"]), ("", [])):
        done = subprocess.run(
            [*namespace(), "sh", "-c", f'{before}"$@"; true', "sh", *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_SECONDS,
            env=os.environ | {"ECS_SUPERVISOR_API": f"unix:{tmp_path}/nobody"},
        )
        found = [each for each in json.loads(done.stdout)["findings"] if each["about"] == "pid 1"]
        assert [each["verdict"] for each in found] == verdicts
