"""What `doctor` makes of what it has seen: of the place, of the ECS agent's answer, of a running supervisor and of PID 1.

It looks and changes nothing. So whether the task may be protected is known only from a supervisor that has done it.
"""

from __future__ import annotations

from supervisor.core.events import ProtectionRefused, ProtectionSeen, ProtectionUnknown, Refusal
from supervisor.core.problem import Problem
from supervisor.core.sequence import parse

from .findings import Finding, doubtful, well, wrong
from .status import lines
from .wording import cut, duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from supervisor.core.events import ProtectionAnswer
    from supervisor.core.snapshot import Snapshot

# ECS waits so long where the task definition says nothing, and on Fargate so long at most (Amazon ECS Developer Guide,
# container definition parameters).
_DEFAULT_STOP_TIMEOUT_SECONDS = 30.0
_FARGATE_STOP_TIMEOUT_SECONDS = 120.0

# What passes by itself: ECS or the agent asks to be asked less often.
_PASSING = frozenset({"ThrottlingException", "Throttling", "Http429"})

_UNSEEN = "the agent does not tell how the task is protected"
_ALONE = "as long as it is so, no job is protected"

_LEASED = ("protected", "renewing", "releasing")

# In our command line, whether by the script or by `-m`.
_PACKAGE = "supervisor"

_SHELLS = frozenset({"sh", "ash", "bash", "dash", "ksh", "zsh"})
_LONGEST_COMMAND = 60


def of_place(agent_uri: str, metadata_uri: str) -> Finding:
    """agent_uri, metadata_uri: what ECS sets, empty where it has not."""
    if agent_uri:
        return well("place", "this is a container of an ECS task")
    if metadata_uri:
        what = "this is a container of an ECS task, but ECS_AGENT_URI is not set"
        fix = "update the ECS agent to 1.65.0 or later, on Fargate the platform version; hand the variable on to this process"
        return wrong("place", Problem(what, "nobody can be asked to protect the task", fix))
    what = "this is no container of an ECS task"
    fix = "for these, run it in the task, as with `aws ecs execute-command`"
    return doubtful("place", Problem(what, "protection and the task role are not looked at", fix))


def of_python(version: str, python: str, clashes: bool) -> Iterator[Finding]:
    """clashes: supervisord is in the same environment."""
    yield well("python", f"ecs-supervisor {version} on Python {python}")
    if clashes:
        what = "supervisord is installed in the same Python environment"
        why = "both share the package `supervisor`, so that removing or updating one breaks the other"
        yield wrong("python", Problem(what, why, "install them in separate environments"))


def of_library(compiled: int, modules: int) -> Finding:
    """compiled: how many of these modules have their bytecode. What has run here so far may have compiled some of them."""
    if not modules:
        return well("bytecode", "the standard library is not in files of its own")
    if 2 * compiled >= modules:
        return well("bytecode", "the standard library is compiled")
    what = f"the standard library is not compiled ({compiled} of {modules} modules are)"
    why = "at a quarter of a vCPU that makes each start of a container a second slower"
    fix = "compile it in the image, with `python -m compileall`, or take an image that has it"
    return doubtful("bytecode", Problem(what, why, fix))


def of_protection(answer: ProtectionAnswer, supervised: Snapshot | None) -> Iterator[Finding]:
    """answer: to a look at the protection. supervised: what a running supervisor says."""
    match answer:
        case ProtectionSeen(left=None):
            yield well("protection", "the agent answers, ecs:GetTaskProtection is allowed; not protected now")
        case ProtectionSeen(left=float(left)):
            how = f"protected for another {duration(left)}"
            yield well("protection", f"the agent answers, ecs:GetTaskProtection is allowed; {how}")
        case ProtectionRefused(kind=Refusal.NOT_A_SERVICE_TASK, code=code, detail=detail):
            why = "there is no scale-in and no deployment to be protected from"
            yield doubtful("protection", Problem(f"this task is not a service's ({code})", why, detail))
            return
        case ProtectionRefused(kind=kind, code=code, detail=detail):
            if kind is Refusal.NOT_ALLOWED:
                what = f"ecs:GetTaskProtection is not allowed ({code})"
                why = "after an answer that was lost, it stays unknown whether the task is protected"
            else:
                what, why = f"{_UNSEEN} ({code})", _ALONE
            told = doubtful if code in _PASSING else wrong
            yield told("protection", Problem(what, why, detail))
        case ProtectionUnknown(why=detail):
            yield wrong("protection", Problem(_UNSEEN, _ALONE, detail))
        case _:
            # The others answer what was not asked here.
            pass
    yield _of_update(supervised)


def _of_update(supervised: Snapshot | None) -> Finding:
    """Say whether the task may be protected, as far as that shows without doing it."""
    protection = None if supervised is None else supervised.protection
    allow = "allow ecs:UpdateTaskProtection on the task role (taskRoleArn, not executionRoleArn)"
    if protection is not None and protection.phase in _LEASED:
        return well(
            "protection", "ecs:UpdateTaskProtection is allowed: the supervisor has protected this task"
        )
    if protection is not None and protection.phase == "unavailable":
        what = f"the supervisor was refused the protection of this task ({protection.because})"
        return wrong("protection", Problem(what, "a scale-in or deployment may stop a job", allow))
    what = "whether ecs:UpdateTaskProtection is allowed was not tried"
    why = "to try it is to change the protection, under a job perhaps"
    return doubtful("protection", Problem(what, why, f"{allow}; while a job runs, look again"))


def of_supervisor(document: dict[str, Any], supervised: Snapshot) -> Iterator[Finding]:
    """document: the whole answer. supervised: what is common to all of them in it."""
    told = list(lines(supervised, lambda _seconds, _word: ""))
    words = dict(told)
    version, pid = (document.get(key, "unknown") for key in ("version", "pid"))
    yield well("supervisor", f"version {version}, pid {pid}, {words['task']}")
    yield well("supervisor", f"protection {words['protection']}")
    hooks = [text for label, text in told if label == "hooks"]
    if hooks:
        yield well("hooks", "; ".join(hooks))
    elif supervised.holds_taken or "deliveries" in document:
        yield well("hooks", "none is attached, and none is needed: it is told of work in another way")
    else:
        why = "a job that nobody tells of is neither protected nor waited for"
        fix = "look for `hook.attached` in the log; or tell of jobs by a probe, `hold` or the API"
        yield doubtful("hooks", Problem("no hook is attached, and nobody has told of a job so far", why, fix))
    yield from _of_stop(supervised.stages)


def of_no_supervisor(error: str, was_named: bool) -> Finding:
    """error: what happened, then perhaps a fix. was_named: somebody wrote down where it is to be."""
    what, _, fix = error.partition("; ")
    why = "its hooks, its protection and its stop sequence are not looked at"
    problem = Problem(what, why, fix or "see that it runs there")
    return (wrong if was_named else doubtful)("supervisor", problem)


def _of_stop(sequence: str) -> Iterator[Finding]:
    stages, problems = parse(sequence)
    if problems or not stages:
        return
    seconds = sum(stage.seconds for stage in stages)
    said = f"a stop takes {seconds:g} s at most ({sequence})"
    if seconds <= _DEFAULT_STOP_TIMEOUT_SECONDS:
        yield well("stop", f"{said}, within the 30 s that ECS waits by default")
    elif seconds <= _FARGATE_STOP_TIMEOUT_SECONDS:
        fix = f"see that the task definition gives the container a `stopTimeout` of more than {seconds:g}"
        why = "no container is told its `stopTimeout`, and where it has none ECS kills after 30 s, in the middle of work"
        yield doubtful("stop", Problem(said, why, fix))
    else:
        why = "Fargate waits 120 s at most, and elsewhere no container is told whether its `stopTimeout` is longer"
        yield doubtful("stop", Problem(said, why, "on Fargate give --stop-timeout 120"))


def of_first_process(words: Sequence[str], has_others: bool, supervisor: object) -> Iterator[Finding]:
    """words: PID 1's command line, none where it cannot be read. has_others: it has children beside this very process.

    supervisor: the number of the supervisor's process, as it knows it: it may be PID 1 of another container.
    """
    if supervisor == 1 and any(_PACKAGE in word for word in words):
        yield well("pid 1", "the supervisor: the stop signal of ECS reaches it")
        return
    if not words:
        return
    shown = cut(" ".join(words), _LONGEST_COMMAND)
    if not _is_shell_form(words):
        yield well("pid 1", f"`{shown}`, no shell around the command")
        return
    if not has_others:
        # A step of a build, perhaps: the command in the shell is this one.
        return
    why = "the stop signal of ECS ends at the shell, and the worker is killed when the stop timeout is over"
    fix = "write ENTRYPOINT and CMD as JSON lists, or let the shell's last command begin with `exec`"
    yield doubtful("pid 1", Problem(f"PID 1 is a shell that waits for its command (`{shown}`)", why, fix))


def _is_shell_form(words: Sequence[str]) -> bool:
    name = words[0].rpartition("/")[2].removeprefix("-")
    return name in _SHELLS and any(
        word[:1] == "-" and word[1:2] != "-" and "c" in word for word in words[1:3]
    )
