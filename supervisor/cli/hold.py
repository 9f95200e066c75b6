"""`ecs-supervisor hold -- COMMAND`: flock(1) for task protection: a command runs under a hold, and its end is ours.

Whatever becomes of the hold, the command runs, unless --require says otherwise: a supervisor that is not there, hangs or refuses is
told in one line. Where it is the command that decides: its exit status, and the signal that ended it, are ours.
"""

from __future__ import annotations

import os

from supervisor.adapters.command import NotStarted, attend, end_by, start, take_signals
from supervisor.adapters.control_client import ControlClient, ControlError, UnansweredError
from supervisor.adapters.find_supervisor import (
    MeaningError,
    find_socket,
    is_listening,
    named_api,
    parse_address,
)
from supervisor.core.status import TRY_AGAIN
from supervisor.render.wording import clean

from .ctl import pid_of, say_failure
from .flags import Flags, UsageError
from .held import API_TTL_SECONDS, ByApi, BySocket
from .output import write

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable

    from supervisor.adapters.control_client import Address

    from .held import Held
else:
    import _signal

_SOCKET_VARIABLE = "ECS_SUPERVISOR_SOCKET"
_AGENT_VARIABLE = "ECS_AGENT_URI"

_STDERR = 2

_FLAGS = {
    "--about": "NAME",
    "--ttl": "SECONDS",
    "--wait": "SECONDS",
    "--require": "",
    "--quiet": "",
    "--api": "ADDRESS",
    "--pid": "PID",
}

_IDLE_SECONDS = 3600.0

# The API's longest; and as long as a job may be made to wait.
_MOST_TTL_SECONDS = 43_200.0
_MOST_WAIT_SECONDS = 3600.0

_HELP = f"""\
Usage: ecs-supervisor hold [--about NAME] [--ttl SECONDS] [--wait SECONDS] [--require] [--quiet] -- COMMAND [ARGUMENTS]

Runs COMMAND as a job: while it runs the task is protected from scale-in, and a stop waits for it as long as it may. The
hold ends with COMMAND, and with this process, whatever ends it.

  --about NAME      what people read (default: COMMAND's name)
  --wait SECONDS    wait so long for ECS to confirm the protection before COMMAND is started
  --require         do not run COMMAND without the hold, with --wait not without protection: exit with 75 instead
  --ttl SECONDS     the hold ends by itself when it was not refreshed for so long, which is done while COMMAND runs
                    (default: none; where only the API is there, {API_TTL_SECONDS:g})
  --quiet           say nothing when COMMAND runs without a hold
  --api ADDRESS     where the supervisor's API listens: unix:PATH or HOST:PORT (default: the hooks' socket in
                    ECS_SUPERVISOR_SOCKET, then ECS_SUPERVISOR_API, then the sockets in /run, /dev/shm and /tmp)
  --pid PID         which supervisor, where there are several

Without a supervisor, and where it refuses because the task is being stopped, COMMAND runs all the same, unprotected.
Terminal, input and output are COMMAND's own; signals that are sent to this process are passed on to it.

Exit status: COMMAND's own; where a signal ends it the same signal ends us, which shells show as 128 + n; 64 wrong
usage; 75 not run, because of --require; 126, 127 COMMAND cannot be executed, is not found.
"""


def main(words: list[str]) -> int:
    """Run the command. words: what follows `hold`."""
    try:
        flags = Flags("hold", words, _FLAGS)
        if flags.help_wanted:
            return write(_HELP)
        if not flags.rest:
            raise flags.error("no COMMAND is given", "write it after `--`")
        wish = _Wish(flags)
    except (UsageError, MeaningError) as error:
        return say_failure(error)
    take_signals()
    held = None
    try:
        held = _take(wish)
        why = held.refused or wish.missing(held.protected)
    except MeaningError as error:
        if "--require" in flags:
            return say_failure(error)
        why = str(error)
    except ControlError as error:
        why = str(error)
    except KeyboardInterrupt:
        return end_by(_signal.SIGINT)
    try:
        status = _run(flags, why, _nothing_to_do if held is None else held.pulse)
    finally:
        if held is not None:
            held.end()
    return status if status >= 0 else end_by(-status)


class _Wish:
    """What is asked for on the command line. Raise UsageError, MeaningError."""

    def __init__(self, flags: Flags) -> None:
        self.about = flags.text("--about") or os.path.basename(flags.rest[0])
        self.ttl = flags.number("--ttl", 1, _MOST_TTL_SECONDS)
        self.api = parse_address(flags.text("--api")) if "--api" in flags else None
        self.pid = pid_of(flags)
        self._wait = flags.number("--wait", 0, _MOST_WAIT_SECONDS)
        self.wait = self._wait or 0.0

    def missing(self, protected: bool) -> str:
        """Say what there is not that was waited for, empty where nothing is missing."""
        if self._wait is None or protected:
            return ""
        return f"the task is not protected after {self._wait:g} s"


def _take(wish: _Wish) -> Held:
    """Take the hold, where the supervisor is. Raise ControlError where there is none, or it does not answer."""
    if wish.api is not None:
        return _by_api(wish, wish.api)
    named = os.environ.get(_SOCKET_VARIABLE, "").strip()
    if wish.pid is not None or named in ("", "auto"):
        named = ""
    elif named != "none" and is_listening(named):
        return _by_socket(wish, named)
    if wish.pid is None and (api := named_api(os.environ)) is not None:
        return _by_api(wish, api)
    if named:
        # Told where the supervisor is, we do not speak to another.
        raise UnansweredError(
            "the supervisor does not listen any more" if named != "none" else "the supervisor has no socket"
        )
    # Where hooks without a supervisor meet; never searched for by name, as it is theirs alone.
    if wish.pid is None and (arbiter := _arbiter()) and is_listening(arbiter):
        return _by_socket(wish, arbiter)
    return _by_socket(wish, find_socket(".sock", wish.pid).path)


def _by_socket(wish: _Wish, path: str) -> Held:
    return BySocket(path, wish.about, wish.ttl, wish.wait)


def _by_api(wish: _Wish, address: Address) -> Held:
    return ByApi(ControlClient(address), wish.about, wish.ttl, wish.wait)


def _arbiter() -> str:
    """Return where an arbiter listens in hook-only mode, empty where there can be none."""
    if not os.environ.get(_AGENT_VARIABLE):
        return ""
    from supervisor.hooks._whereabouts import path

    return path()


def _run(flags: Flags, why: str, pulse: Callable[[], float]) -> int:
    """Run COMMAND unless that is not wanted; return its exit status, -n for signal n. why: what is missing, if anything."""
    if why and "--require" in flags:
        write(f"ecs-supervisor: {clean(why)}, so the command was not run; try again later\n", _STDERR)
        return TRY_AGAIN
    if why and "--quiet" not in flags:
        write(f"ecs-supervisor: {clean(why)}, so the command runs unprotected\n", _STDERR)
    try:
        child = start(flags.rest)
    except NotStarted as error:
        write(f"ecs-supervisor: {clean(str(error))}, so there is nothing to hold for\n", _STDERR)
        return error.status
    return attend(child, pulse)


def _nothing_to_do() -> float:
    return _IDLE_SECONDS
