"""`ecs-supervisor doctor`: looks at the place where it runs, at the ECS agent, at the supervisor and at queues, and changes nothing."""

from __future__ import annotations

import json
import os
import sys

from supervisor import __version__
from supervisor.adapters.clock import SystemClock
from supervisor.adapters.control_client import ControlError, UnansweredError
from supervisor.adapters.find_supervisor import MeaningError
from supervisor.adapters.place import compiled_library, first_has_others, first_process, look_at_protection
from supervisor.render.doctor import (
    of_first_process,
    of_library,
    of_no_supervisor,
    of_place,
    of_protection,
    of_python,
    of_supervisor,
)
from supervisor.render.findings import document, screen, status_of
from supervisor.render.overview import snapshot_in

from .ctl import client_of, say_failure
from .flags import Flags, UsageError
from .output import coloured, write
from .package_clash import package_clash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from supervisor.config.sqsd.settings import SqsdSettings
    from supervisor.core.snapshot import Snapshot
    from supervisor.render.findings import Finding

_AGENT_VARIABLE = "ECS_AGENT_URI"
_METADATA_VARIABLE = "ECS_CONTAINER_METADATA_URI_V4"

_STDOUT = 1

# A shell reports a death by SIGINT as this.
_INTERRUPTED = 130

_FLAGS = {
    "--queue-url": "URL",
    "--region": "REGION",
    "--endpoint-url": "URL",
    "--json": "",
    "--api": "ADDRESS",
    "--pid": "PID",
}

# Of the options of `sqsd`, those that say something about a queue; it reads them from the same variables.
_QUEUE_OPTIONS = ("queue_url", "region", "endpoint_url", "max_retries", "retention_period")

_HELP = """\
Usage: ecs-supervisor doctor [--queue-url URL]... [--region REGION] [--endpoint-url URL] [--json] [--api ADDRESS] [--pid PID]

Says what is well, what is doubtful and what is wrong where it runs, each problem with its reason and what to do: Python, the
ECS agent and the task role, the supervisor that runs here, PID 1, and the queues of `sqsd`. In the task, as with
`aws ecs execute-command`, it sees most. It only looks: the task stays protected or not, and every message where it is.

  --queue-url URL     a queue to look at, as `sqsd` does at its start; may be repeated (default: ECS_SUPERVISOR_QUEUE_URL)
  --region REGION     the AWS region of the queues (default: the queue's)
  --endpoint-url URL  another address of SQS, for emulators
  --json              print the findings for programs
  --api ADDRESS       where the supervisor's API listens: unix:PATH or HOST:PORT (default: ECS_SUPERVISOR_API, then the
                      sockets in /run, /dev/shm and /tmp)
  --pid PID           which supervisor, where there are several

Exit status: 0 nothing is wrong, though something may be doubtful; 1 something is wrong; 64 wrong usage.
"""


def main(words: list[str]) -> int:
    """Run the command. words: what follows `doctor`."""
    try:
        flags = Flags("doctor", words, _FLAGS)
        if flags.help_wanted:
            return write(_HELP)
        flags.no_rest()
        queues = _queues(flags)
        findings = [*_of_here(flags), *_of_queues(queues)]
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (UsageError, ControlError) as error:
        return say_failure(error)
    shown = (
        f"{json.dumps(document(findings), indent=2)}\n"
        if "--json" in flags
        else coloured(screen(findings), _STDOUT, os.environ)
    )
    return write(shown) or status_of(findings)


def _of_here(flags: Flags) -> Iterator[Finding]:
    told = _ask_supervisor(flags)
    answer, supervised = ({}, None) if isinstance(told, ControlError) else told
    agent_uri = os.environ.get(_AGENT_VARIABLE, "")
    yield of_place(agent_uri, os.environ.get(_METADATA_VARIABLE, ""))
    python = ".".join(str(part) for part in sys.version_info[:3])
    yield from of_python(__version__, python, package_clash() is not None)
    yield of_library(*compiled_library())
    if agent_uri:
        yield from of_protection(look_at_protection(agent_uri, SystemClock().wall), supervised)
    if isinstance(told, ControlError):
        yield of_no_supervisor(str(told), was_named="--api" in flags or "--pid" in flags)
    else:
        yield from of_supervisor(*told)
    yield from of_first_process(first_process(), first_has_others(), answer.get("pid"))


def _ask_supervisor(flags: Flags) -> tuple[dict[str, Any], Snapshot] | ControlError:
    """Return what the supervisor says of itself, or why nobody does. Raise MeaningError where several could be meant."""
    try:
        answer = client_of(flags).ask("GET", "/v1/status")
        return answer, snapshot_in(answer)
    except MeaningError:
        raise
    except ControlError as error:
        return error
    except ValueError as error:
        return UnansweredError(str(error))


def _queues(flags: Flags) -> SqsdSettings | None:
    """Return how `sqsd` would see the queues, None where none is named. Raise UsageError."""
    from supervisor.config.load import Answer
    from supervisor.config.sqsd.load import load
    from supervisor.config.sqsd.options import ALONE

    variables = [ALONE.options[key].variable for key in _QUEUE_OPTIONS]
    environ = {name: os.environ[name] for name in variables if os.environ.get(name, "").strip()}
    words = [f"--queue-url={url}" for url in flags.texts("--queue-url")]
    if not words and variables[0] not in environ:
        return None
    words += [f"{flag}={flags.text(flag)}" for flag in ("--region", "--endpoint-url") if flag in flags]
    settings = load(words, environ, lambda _path: "")
    if isinstance(settings, Answer):
        raise flags.error(settings.problems[0].what, settings.problems[0].fix)
    return settings


def _of_queues(settings: SqsdSettings | None) -> Iterator[Finding]:
    if settings is None:
        return
    from supervisor.adapters.sqsd.checkup import check_up

    yield from check_up(settings)
