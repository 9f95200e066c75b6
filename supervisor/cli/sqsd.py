"""`ecs-supervisor sqsd`: takes messages from SQS and posts each to a web app, which it starts first where it is told to.

As with `run`, the app is started before what takes long is loaded, and signals wait until somebody can take them: a stop that
comes during the start is the first thing the loop sees.
"""

from __future__ import annotations

import os

from supervisor.adapters.last_words import say
from supervisor.adapters.launch import become_subreaper
from supervisor.config.attach import Attached
from supervisor.config.load import Answer
from supervisor.core.status import CONFIG, SOFTWARE
from supervisor.runtime.signals import Signals

from .later import postpone
from .preparation import answer_instead, keep_standard_descriptors, leave, open_sockets, read_file
from .run import start_worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from supervisor.adapters.openings import Openings
    from supervisor.config.sqsd.settings import SqsdSettings

# The messages tell what is in flight, so nothing is attached to the app.
_NOT_ATTACHED = "messages tell what it works on"


def main(argv: list[str]) -> NoReturn:
    """Run the command. argv: what follows `sqsd`."""
    postpone("inspect")
    from supervisor.config.sqsd.load import load

    settings = load(argv, os.environ, read_file)
    if isinstance(settings, Answer):
        answer_instead(settings)
    _need_library()
    keep_standard_descriptors()
    signals = Signals()
    signals.install()
    openings = open_sockets(settings.run)
    leave(_wrap(settings, signals, openings) if settings.wraps else _alone(settings, signals, openings))


def _alone(settings: SqsdSettings, signals: Signals, openings: Openings) -> int:
    try:
        from supervisor.boot.sqsd import deliver
    except BaseException as error:  # noqa: BLE001 - the installation is broken, and there is nothing to fall back on
        openings.withdraw()
        say(f"ecs-supervisor: it cannot be loaded ({error!r}), so no message is taken; install it anew\n")
        return SOFTWARE
    return deliver(settings, signals, openings)


def _wrap(settings: SqsdSettings, signals: Signals, openings: Openings) -> int:
    is_subreaper = os.getpid() == 1 or become_subreaper()
    attached = Attached(settings.run.command, {}, "", None, _NOT_ATTACHED)
    launcher, pid, terminal = start_worker(settings.run, signals, openings, attached)
    try:
        from supervisor.boot.run import supervise
        from supervisor.boot.sqsd import Delivering
    except BaseException as error:  # noqa: BLE001 - as above
        launcher.kill(pid)
        openings.withdraw()
        say(f"ecs-supervisor: it cannot be loaded ({error!r}), so the app was killed; install it anew\n")
        return SOFTWARE
    more = Delivering(settings)
    return supervise(settings.run, signals, launcher, pid, terminal, openings, attached, is_subreaper, more)


def _need_library() -> None:
    """Leave with a sentence where the library that talks to SQS is not installed; it is loaded later."""
    from importlib.util import find_spec

    if find_spec("botocore") is None:
        say(
            "ecs-supervisor: the library that talks to SQS is not installed, so no message could be taken;"
            " install the extra `sqs`, as in `pip install 'ecs-supervisor[sqs]'`\n"
        )
        leave(CONFIG)
