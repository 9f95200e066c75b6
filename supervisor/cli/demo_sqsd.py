"""`ecs-supervisor demo sqsd`: a queue, the daemon and a web app on this machine, through jobs, a failure and a stop."""

from __future__ import annotations

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

from supervisor.config.option import PREFIX
from supervisor.core.status import CONFIG, SOFTWARE
from supervisor.demo.messages import Outcome, TooLate, tell

from .interruption import Interruption
from .output import write

_PROMISE_BROKEN = 1
# A shell reports a death by SIGINT as this.
_INTERRUPTED = 130
# As for every command whose reader has left.
_UNREAD = 1
_STDERR = 2


class _NobodyReads(Exception):
    """Standard output takes nothing more."""


def show() -> int:
    """Play it; return 1 where the daemon did not do what it promises."""
    if find_spec("botocore") is None:
        write(
            "ecs-supervisor: the library that talks to SQS is not installed, so there is nothing to show;"
            " install the extra `sqs`, as in `pip install 'ecs-supervisor[sqs]'`\n",
            _STDERR,
        )
        return CONFIG
    # Meant for other supervisors; ours is told everything by flags.
    for name in [name for name in os.environ if name.startswith((PREFIX, "ECS_"))]:
        del os.environ[name]
    try:
        with (
            Interruption() as interruption,
            tempfile.TemporaryDirectory(prefix="ecs-supervisor-demo-") as directory,
        ):
            outcome = tell(Path(directory), _say, interruption.check)
        _say(_summary(outcome))
    except KeyboardInterrupt:
        return _INTERRUPTED
    except TooLate as error:
        write(f"ecs-supervisor: the demo cannot go on: {error}\n", _STDERR)
        return SOFTWARE
    except _NobodyReads:
        return _UNREAD
    return 0 if outcome.is_as_promised else _PROMISE_BROKEN


def _say(line: str) -> None:
    if write(f"{line}\n") != 0:
        raise _NobodyReads


def _summary(outcome: Outcome) -> str:
    return (
        f"Done: {outcome.done}. At the stop {outcome.finished} were under way and finished, {outcome.left} were left for other"
        f" tasks at once, {outcome.hidden} hidden from them. The daemon exited with {outcome.status} after"
        f" {outcome.seconds:.1f} s."
    )
