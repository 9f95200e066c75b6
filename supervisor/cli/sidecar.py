"""`ecs-supervisor sidecar`: protects and drains a worker that runs in another container of the task.

As with `run`, signals wait until somebody can take them: a stop that comes during the start is the first thing the loop sees.
"""

from __future__ import annotations

import os

from supervisor.adapters.last_words import say
from supervisor.config.load import Answer
from supervisor.config.sidecar import load
from supervisor.core.status import SOFTWARE
from supervisor.runtime.signals import Signals

from .preparation import answer_instead, keep_standard_descriptors, leave, open_sockets, read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# Where the agent's place is taken, for `--arbitrate`. The worker gets no environment from us, so it has to be known beforehand.
AGENT_PATH = "/agent/worker"


def main(argv: list[str]) -> NoReturn:
    """Run the command. argv: what follows `sidecar`."""
    settings = load(argv, os.environ, read_file)
    if isinstance(settings, Answer):
        answer_instead(settings)
    keep_standard_descriptors()
    signals = Signals()
    signals.install()
    openings = open_sockets(settings.run, AGENT_PATH)
    try:
        from supervisor.boot.sidecar import accompany
    except BaseException as error:  # noqa: BLE001 - the installation is broken, and there is nothing to fall back on
        openings.withdraw()
        say(f"ecs-supervisor: it cannot be loaded ({error!r}), so nothing is supervised; install it anew\n")
        leave(SOFTWARE)
    leave(accompany(settings, signals, openings))
