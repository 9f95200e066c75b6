"""`status`, `holds`, `quiet`, `resume` and `drain`: look at a running supervisor and steer it, through its local API.

Light, because shell loops and health checks call them; what draws on a terminal again and again is loaded for that alone. Every
failure is one sentence on stderr and a status of its own.
"""

from __future__ import annotations

import json
import os

from supervisor.adapters.control_client import (
    ControlClient,
    ControlError,
    ForbiddenError,
    GoneError,
    RefusedError,
    UnansweredError,
)
from supervisor.adapters.find_supervisor import MeaningError, find_api
from supervisor.core.status import NOT_ALLOWED, REFUSED, UNAVAILABLE, USAGE
from supervisor.render.overview import holds_overview
from supervisor.render.wording import clean, duration

from .ctl_help import FLAGS, help_of
from .flags import Flags, UsageError
from .output import coloured, lines_of, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

TOKEN_VARIABLE = "ECS_SUPERVISOR_API_TOKEN_FILE"

# A shell reports a death by SIGINT as this.
_INTERRUPTED = 130

_STDOUT, _STDERR = 1, 2

# The number of a process (proc_sys_kernel(5), pid_max); and a day and a night, as for every option that counts seconds.
_MOST_PID = 4_194_304
_MOST_SECONDS = 86_400.0

_EXITED = "the supervisor has exited\n"

_ON_THE_WAY_OUT = ("draining", "stopping", "killing", "exited")


def main(command: str, words: list[str]) -> int:
    """Run one of the commands. words: what follows its name."""
    try:
        flags = Flags(command, words, FLAGS[command])
        if flags.help_wanted:
            return write(help_of(command))
        flags.no_rest()
        return _COMMANDS[command](flags)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (UsageError, ControlError) as error:
        return say_failure(error)


def say_failure(error: UsageError | ControlError) -> int:
    """Print what went wrong; return the exit status for it."""
    # What a supervisor says may have anything in it.
    write(f"ecs-supervisor: {clean(str(error))}\n", _STDERR)
    if isinstance(error, UsageError | MeaningError):
        return USAGE
    if isinstance(error, ForbiddenError):
        return NOT_ALLOWED
    return REFUSED if isinstance(error, RefusedError) else UNAVAILABLE


def client_of(flags: Flags) -> ControlClient:
    """Return a client for the supervisor that is meant. Raise ControlError or UsageError."""
    address = find_api(flags.text("--api"), pid_of(flags), os.environ)
    path = flags.text("--token-file") or os.environ.get(TOKEN_VARIABLE, "")
    return ControlClient(address, _token(path) if path else "")


def pid_of(flags: Flags) -> int | None:
    """Return which supervisor is meant, None where that was not said. Raise UsageError."""
    pid = flags.number("--pid", 1, _MOST_PID)
    return None if pid is None else int(pid)


def _token(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in ASCII"
        raise ForbiddenError(
            f"the token in {path} cannot be read ({why}), so nothing was asked; name the file that the supervisor's"
            " --api-token-file names, as a user who may read it"
        ) from None


def _status(flags: Flags) -> int:
    client = client_of(flags)
    if "--watch" in flags:
        from .watch import watch

        return watch(client, "--json" in flags)
    document = client.ask("GET", "/v1/status")
    if "--json" in flags:
        return _write_json(document)
    return write(coloured(lines_of(document), _STDOUT, os.environ))


def _holds(flags: Flags) -> int:
    document = client_of(flags).ask("GET", "/v1/holds")
    if "--json" in flags:
        return _write_json(document)
    try:
        shown = holds_overview(document)
    except ValueError as error:
        raise UnansweredError(str(error)) from None
    return write("".join(f"{clean(line)}\n" for line in shown) or "nothing is in flight\n")


def _quiet(flags: Flags) -> int:
    standing = client_of(flags).ask("POST", "/v1/quiet", _reason(flags))
    back = "" if _is_leaving(standing) else "; `ecs-supervisor resume` lets it take work again"
    return write(f"{_said(standing)}{back}\n")


def _resume(flags: Flags) -> int:
    standing = client_of(flags).ask("POST", "/v1/resume", {})
    if _is_leaving(standing):
        write(f"ecs-supervisor: {_said(standing)}; it is on its way out and does not come back\n", _STDERR)
        return REFUSED
    return write(f"{_said(standing)}\n")


def _drain(flags: Flags) -> int:
    deadline = flags.number("--deadline", 0, _MOST_SECONDS)
    if "--now" in flags and deadline is not None:
        raise flags.error("--now and --deadline do not go together", "give one of them")
    client = client_of(flags)
    asked = {**_reason(flags), "deadline": deadline, "now": "--now" in flags}
    try:
        status = write(f"{_said(client.ask('POST', '/v1/drain', asked))}\n")
    except GoneError:
        raise
    except UnansweredError:
        # Where the worker is idle and ends at once, the supervisor may be gone before its answer is written.
        if _still_answers(client):
            raise
        return write(_EXITED)
    if "--wait" in flags:
        from .watch import follow

        # Another one may listen there by then.
        follow(client, _is_leaving, has_answered=True)
        status = write(_EXITED)
    return status


def _still_answers(client: ControlClient) -> bool:
    """Say whether anybody listens there and answers. Raise ControlError where it hangs."""
    from .watch import follow

    answers = []

    def hear(document: dict[str, Any]) -> bool:
        answers.append(document)
        return False

    follow(client, hear, has_answered=True)
    return bool(answers)


_COMMANDS: dict[str, Callable[[Flags], int]] = {
    "status": _status,
    "holds": _holds,
    "quiet": _quiet,
    "resume": _resume,
    "drain": _drain,
}


def _reason(flags: Flags) -> dict[str, object]:
    return {"reason": flags.text("--reason")} if "--reason" in flags else {}


def _is_leaving(standing: dict[str, Any]) -> bool:
    return standing.get("phase") in _ON_THE_WAY_OUT


def _said(standing: dict[str, Any]) -> str:
    """Return how the task stands after something was asked of it, in one line."""
    admission = "takes new work" if standing.get("accepting") is True else "takes no new work"
    left = standing.get("seconds_left")
    until = f", work in flight is interrupted in {duration(left)}" if isinstance(left, int | float) else ""
    return clean(f"the task is {standing.get('phase', 'as it was')}, {admission}{until}")


def _write_json(document: dict[str, Any]) -> int:
    return write(f"{json.dumps(document, indent=2)}\n")
