"""What `doctor` sees of the place where it runs: the ECS agent, PID 1, and Python's own library. Changes nothing."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Callable
from importlib.util import cache_from_source

from supervisor.core.effects import LookAtProtection
from supervisor.core.events import ProtectionAnswer
from supervisor.core.names import Attempt

from .ecs_agent import EcsAgent
from .proctree import everybody, see

_FIRST = 1


def look_at_protection(agent_uri: str, wall: Callable[[], float]) -> ProtectionAnswer:
    """Ask the ECS agent how the task is protected, and wait for the answer."""
    answers: list[ProtectionAnswer] = []
    agent = EcsAgent(agent_uri, lambda _name, work: work(), wall)

    def hear(answer: ProtectionAnswer) -> None:
        answers.append(answer)
        agent.close()

    agent.submit(LookAtProtection(Attempt(1)))
    # No thread of its own: it returns when the answer has been heard.
    agent.start(hear)
    return answers[0]


def first_process() -> tuple[str, ...]:
    """Return the command line of PID 1, empty where it cannot be read."""
    try:
        with open(f"/proc/{_FIRST}/cmdline", "rb") as file:
            words = os.fsdecode(file.read()).split("\0")
    except OSError:
        return ()
    # Each ends with NUL; a process may have written over its own.
    return tuple(words[:-1] if words[-1] == "" else words)


def first_has_others() -> bool:
    """Say whether PID 1 has children beside this process."""
    seen = (see(pid) for pid in everybody() if pid != os.getpid())
    return any(each.parent == _FIRST and not each.zombie for each in seen if each is not None)


def compiled_library() -> tuple[int, int]:
    """Return how many of the standard library's own modules have their bytecode beside them, and how many there are."""
    place = sysconfig.get_path("stdlib")
    try:
        sources = [os.path.join(place, name) for name in os.listdir(place) if name.endswith(".py")]
    except OSError:
        return 0, 0
    return sum(os.path.exists(cache_from_source(source)) for source in sources), len(sources)
