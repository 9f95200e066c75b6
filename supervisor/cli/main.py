"""Finds the command that argv names, imports its module and no other, and exits with its status."""

from __future__ import annotations

import os
import sys

import supervisor
from supervisor.core.status import USAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
    from typing import NoReturn
else:
    import _signal

_STDOUT, _STDERR = 1, 2


def main() -> NoReturn:
    """Run the command and leave; a command's `main` takes the words after its name and returns the exit status."""
    sys.exit(dispatch(sys.argv[1:]))


def dispatch(words: list[str]) -> int:
    """Return the exit status of what the words ask for."""
    name = words[0] if words else ""
    if name not in ("run", "sidecar", "sqsd"):
        # Signals are blocked since the first statement; these let them in when they are ready for them, the others now.
        _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
    if name in _COMMANDS:
        start, _ = _COMMANDS[name]
        return start(words[1:])
    if name in ("-h", "--help"):
        return _say(_STDOUT, _help(), 0)
    if name == "--version":
        return _say(_STDOUT, _version(), 0)
    if not words:
        return _say(_STDERR, _help(), USAGE)
    from supervisor.config.reading import did_you_mean

    known = [*_COMMANDS, "--help", "--version"]
    return _say(
        _STDERR,
        f"ecs-supervisor: `{name}` is no command, so nothing was started; give one of {', '.join(known)}"
        f"{did_you_mean(name, known)}, as in `ecs-supervisor run -- COMMAND`.\n",
        USAGE,
    )


def _run(words: list[str]) -> int:
    from .run import main

    return main(words)


def _sidecar(words: list[str]) -> int:
    from .sidecar import main

    return main(words)


def _sqsd(words: list[str]) -> int:
    from .sqsd import main

    return main(words)


def _eb_cron(words: list[str]) -> int:
    from .eb_cron import main

    return main(words)


def _hold(words: list[str]) -> int:
    from .hold import main

    return main(words)


def _ask(command: str) -> Callable[[list[str]], int]:
    """Return what starts one of the commands that ask a running supervisor."""

    def start(words: list[str]) -> int:
        from .ctl import main

        return main(command, words)

    return start


def _doctor(words: list[str]) -> int:
    from .doctor import main

    return main(words)


def _demo(words: list[str]) -> int:
    from .demo import main

    return main(words)


_COMMANDS: dict[str, tuple[Callable[[list[str]], int], str]] = {
    "run": (_run, "start a worker, protect the task while it works, and stop it without losing jobs"),
    "sidecar": (_sidecar, "protect and drain a worker that runs in another container of the task"),
    "sqsd": (
        _sqsd,
        "take messages from SQS and post each to a web app, as Elastic Beanstalk's worker daemon does",
    ),
    "eb-cron": (_eb_cron, "turn Elastic Beanstalk's periodic tasks into schedules of EventBridge Scheduler"),
    "status": (_ask("status"), "see how a running task stands, on one screen"),
    "holds": (_ask("holds"), "list what is in flight"),
    "quiet": (_ask("quiet"), "have the task take no new work until it is resumed"),
    "resume": (_ask("resume"), "have a quiet task take new work again"),
    "drain": (_ask("drain"), "finish what is in flight, then end the task"),
    "hold": (_hold, "run a command as a job: protected while it runs, and waited for at a stop"),
    "doctor": (_doctor, "see what is wrong where it runs: the task role, the supervisor, PID 1, queues"),
    "demo": (
        _demo,
        "see the same jobs with and without the supervisor; `demo sqsd`: see messages delivered",
    ),
}


def _help() -> str:
    commands = "".join(f"  {name:<8}{what}\n" for name, (_, what) in _COMMANDS.items())
    return f"""Usage: ecs-supervisor COMMAND ...

Supervises the workers of an Amazon ECS task.

Commands (`ecs-supervisor COMMAND --help` tells more):
{commands}
Options:
  --help  --version
"""


def _version() -> str:
    from .package_clash import package_clash

    # Where the two share a package, its __init__ may be the other's.
    version = getattr(supervisor, "__version__", "of unknown version")
    clash = package_clash()
    python = ".".join(str(part) for part in sys.version_info[:3])
    return f"ecs-supervisor {version} (Python {python})\n" + (f"{clash}\n" if clash else "")


def _say(descriptor: int, text: str, status: int) -> int:
    """Write a text and return the status; past sys.stdout, which is None where the descriptor is closed."""
    try:
        os.write(descriptor, text.encode(errors="surrogateescape"))
    except OSError:
        # Nobody listens; as for other commands, help that did not arrive is a failure.
        return status or 1
    return status
