"""What every command that stays does before anything else: answer a wrong or an asking command line, and open its sockets.

Light: it is on the path of every task start.
"""

from __future__ import annotations

import os

from supervisor.adapters.last_words import say
from supervisor.adapters.openings import CannotOpenError, Openings, open_all
from supervisor.core.status import CONFIG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from supervisor.config.load import Answer
    from supervisor.config.settings import RunSettings

_STANDARD_DESCRIPTORS = (0, 1, 2)


def answer_instead(answer: Answer) -> NoReturn:
    """Print help where it is asked for, or what is wrong, instead of starting anything."""
    if answer.problems:
        say(answer.text)
    else:
        os.write(1, os.fsencode(answer.text))
    leave(answer.status)


def read_file(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def keep_standard_descriptors() -> None:
    """Occupy those that were closed, so that no pipe or socket of ours becomes somebody's standard output.

    They stay closed for the worker: like all of ours these are close-on-exec.
    """
    for descriptor in _STANDARD_DESCRIPTORS:
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def open_sockets(settings: RunSettings, agent_path: str | None = None) -> Openings:
    """Open what the settings ask for, or say why not and leave. agent_path: where the agent's place is taken, if it is known."""
    try:
        return open_all(settings, agent_path)
    except CannotOpenError as error:
        say(f"ecs-supervisor: {error}; nothing was started\n")
        leave(CONFIG)


def leave(status: int) -> NoReturn:
    """End the process at once: no thread is waited for, and nothing is left unwritten."""
    os._exit(status)
