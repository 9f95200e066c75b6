"""What `doctor` makes of the facts that it is given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from supervisor.core.events import (
    ProtectionAnswer,
    ProtectionCleared,
    ProtectionRefused,
    ProtectionSeen,
    ProtectionUnknown,
    Refusal,
)
from supervisor.core.names import Attempt
from supervisor.core.snapshot import HookView, Snapshot
from supervisor.render import doctor
from supervisor.render.findings import Finding
from tests.unit.render.test_overview import PROTECTED, WORKING

LOOK = Attempt(1)

SEEN = ProtectionSeen(LOOK, None)

UNPROTECTED = replace(PROTECTED, phase="unprotected", confirmed=False, expires_in=None)


def verdicts(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(each.verdict, each.about) for each in findings]


@pytest.mark.parametrize(
    ("agent", "metadata", "verdict", "what"),
    [
        ("http://a", "http://m", "well", "this is a container of an ECS task"),
        ("http://a", "", "well", "this is a container of an ECS task"),
        ("", "http://m", "wrong", "this is a container of an ECS task, but ECS_AGENT_URI is not set"),
        ("", "", "doubtful", "this is no container of an ECS task"),
    ],
)
def test_the_place_is_told_by_what_ecs_sets(agent: str, metadata: str, verdict: str, what: str) -> None:
    """An agent too old for task protection sets the one variable and not the other."""
    found = doctor.of_place(agent, metadata)
    assert (found.verdict, found.what) == (verdict, what)


def test_supervisord_beside_us_is_wrong() -> None:
    """It works until one of the two is removed."""
    assert verdicts(doctor.of_python("1.2.3", "3.12.1", clashes=False)) == [("well", "python")]
    told, clash = doctor.of_python("1.2.3", "3.12.1", clashes=True)
    assert told.what == "ecs-supervisor 1.2.3 on Python 3.12.1"
    assert (clash.verdict, clash.fix) == ("wrong", "install them in separate environments")


@pytest.mark.parametrize(
    ("compiled", "modules", "verdict"),
    [(100, 100, "well"), (50, 100, "well"), (49, 100, "doubtful"), (0, 0, "well")],
)
def test_a_library_that_nobody_has_compiled_is_doubtful(compiled: int, modules: int, verdict: str) -> None:
    """Where it is only what has run here so far, it is less than half of it; an archive has nothing to compile."""
    assert doctor.of_library(compiled, modules).verdict == verdict


@pytest.mark.parametrize(("left", "told"), [(None, "not protected now"), (125.0, "another 2 min 5 s")])
def test_an_agent_that_answers_is_well(left: float | None, told: str) -> None:
    """What may be asked is then known, what may be changed is not."""
    look, update = doctor.of_protection(ProtectionSeen(LOOK, left), None)
    assert (look.verdict, update.verdict) == ("well", "doubtful")
    assert told in look.what
    assert "ecs:UpdateTaskProtection" in update.what


@pytest.mark.parametrize(
    ("answer", "verdict", "what"),
    [
        (
            ProtectionRefused(LOOK, Refusal.NOT_ALLOWED, "AccessDenied", "mend it"),
            "wrong",
            "ecs:GetTaskProtection is not allowed (AccessDenied)",
        ),
        (
            ProtectionRefused(LOOK, Refusal.TRY_AGAIN, "AgentUnreachable", "mend it"),
            "wrong",
            "the agent does not tell how the task is protected (AgentUnreachable)",
        ),
        (
            ProtectionRefused(LOOK, Refusal.TRY_AGAIN, "ThrottlingException", "mend it"),
            "doubtful",
            "the agent does not tell how the task is protected (ThrottlingException)",
        ),
        (ProtectionUnknown(LOOK, "mend it"), "wrong", "the agent does not tell how the task is protected"),
    ],
)
def test_an_agent_that_does_not_tell_is_wrong(answer: ProtectionAnswer, verdict: str, what: str) -> None:
    """Unless that passes by itself; the fix is what is said of the answer elsewhere."""
    look, update = doctor.of_protection(answer, None)
    assert (look.verdict, look.what, look.fix) == (verdict, what, "mend it")
    assert update.verdict == "doubtful"


def test_a_task_of_no_service_needs_no_protection() -> None:
    """So nothing is said about the right to it."""
    (look,) = doctor.of_protection(
        ProtectionRefused(LOOK, Refusal.NOT_A_SERVICE_TASK, "TASK_NOT_VALID", "run it in one"), None
    )
    assert (look.verdict, look.what) == ("doubtful", "this task is not a service's (TASK_NOT_VALID)")


def test_the_answer_to_another_question_says_nothing_about_the_look() -> None:
    """What is left is whether the task may be protected."""
    assert verdicts(doctor.of_protection(ProtectionCleared(LOOK), None)) == [("doubtful", "protection")]


@pytest.mark.parametrize(
    ("phase", "because", "verdict", "told"),
    [
        ("protected", None, "well", "ecs:UpdateTaskProtection is allowed"),
        ("renewing", None, "well", "ecs:UpdateTaskProtection is allowed"),
        ("releasing", None, "well", "ecs:UpdateTaskProtection is allowed"),
        ("unavailable", "AccessDeniedException", "wrong", "was refused the protection of this task (Access"),
        ("unprotected", None, "doubtful", "was not tried"),
    ],
)
def test_a_supervisor_shows_whether_the_task_may_be_protected(
    phase: str, because: str | None, verdict: str, told: str
) -> None:
    """It is the only one that has tried."""
    supervised = replace(WORKING, protection=replace(PROTECTED, phase=phase, because=because))
    _, update = doctor.of_protection(SEEN, supervised)
    assert update.verdict == verdict
    assert told in update.what


def of_supervisor(snapshot: Snapshot = WORKING, **more: Any) -> list[Finding]:
    return list(doctor.of_supervisor({"version": "1.2.3", "pid": 7, **more}, snapshot))


def test_a_supervisor_is_told_with_version_phase_and_protection() -> None:
    """In the words of `status`."""
    task, protection, *_ = of_supervisor()
    assert task.what == "version 1.2.3, pid 7, running for 1 min 5 s, takes new work"
    assert protection.what.startswith("protection protected: ECS leaves this task alone")


@pytest.mark.parametrize(
    ("supervised", "more", "verdict", "told"),
    [
        (
            replace(WORKING, hooks=(HookView("", "celery", "5.4", "open", 0),)),
            {},
            "well",
            "celery 5.4 in 1 process",
        ),
        (WORKING, {}, "well", "told of work in another way"),
        (replace(WORKING, holds=(), holds_taken=0), {"deliveries": {}}, "well", "none is needed"),
        (replace(WORKING, holds=(), holds_taken=0), {}, "doubtful", "no hook is attached"),
    ],
    ids=["attached", "told of jobs", "sqsd", "silence"],
)
def test_a_supervisor_that_nobody_tells_of_jobs_is_doubtful(
    supervised: Snapshot, more: dict[str, Any], verdict: str, told: str
) -> None:
    """By hooks, by holds of another kind, or by messages."""
    (found,) = [each for each in of_supervisor(supervised, **more) if each.about == "hooks"]
    assert found.verdict == verdict
    assert told in found.what


@pytest.mark.parametrize(
    ("stages", "found"),
    [
        ("QUIET 20 TERM 7 KILL 1", [("well", "a stop takes 28 s at most (QUIET 20 TERM 7 KILL 1)")]),
        ("TERM 117 KILL 1", [("doubtful", "a stop takes 118 s at most (TERM 117 KILL 1)")]),
        ("TERM 500 KILL 1", [("doubtful", "a stop takes 501 s at most (TERM 500 KILL 1)")]),
        ("DANCE 5", []),
        ("", []),
    ],
)
def test_how_long_a_stop_takes_is_compared_with_what_ecs_waits(
    stages: str, found: list[tuple[str, str]]
) -> None:
    """By default, and at most on Fargate; a sequence of another version is passed over."""
    told = [each for each in of_supervisor(replace(WORKING, stages=stages)) if each.about == "stop"]
    assert [(each.verdict, each.what.partition(", ")[0]) for each in told] == found


@pytest.mark.parametrize(("was_named", "verdict"), [(True, "wrong"), (False, "doubtful")])
@pytest.mark.parametrize(("said", "fix"), [("nobody; look there", "look there"), ("nobody", "see that")])
def test_nobody_to_ask_is_wrong_where_somebody_was_named(
    was_named: bool, verdict: str, said: str, fix: str
) -> None:
    """When an image is built there is no supervisor yet."""
    found = doctor.of_no_supervisor(said, was_named)
    assert (found.verdict, found.what) == (verdict, "nobody")
    assert found.fix.startswith(fix)


@pytest.mark.parametrize(
    ("command", "has_others", "supervisor", "found"),
    [
        ("python -I /usr/local/bin/ecs-supervisor run -- worker", True, 1, ["well"]),
        ("sh -c worker", True, 7, ["doubtful"]),
        ("sh -c worker", True, 1, ["doubtful"]),
        ("/bin/bash -lc worker", True, None, ["doubtful"]),
        ("/bin/sh -e -c worker", True, None, ["doubtful"]),
        ("/bin/sh -c worker", False, None, []),
        ("sh --color x", True, None, ["well"]),
        ("/sbin/docker-init -- worker", True, 7, ["well"]),
        ("", False, None, []),
    ],
)
def test_a_shell_that_waits_for_its_command_is_doubtful(
    command: str, has_others: bool, supervisor: object, found: list[str]
) -> None:
    """Signals end at it. One that waits for nobody but us is a step of a build; a sidecar is PID 1 of its own container."""
    told = doctor.of_first_process(command.split(), has_others, supervisor)
    assert [each.verdict for each in told] == found
