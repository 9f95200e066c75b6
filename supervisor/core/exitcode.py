"""Which status the container exits with: the worker's own, whenever there is one."""

from __future__ import annotations

from collections.abc import Mapping

# What a shell reports for a process that SIGKILL ended (128 + 9), and Docker for a container killed at its stop timeout.
KILLED = 137


def container_status(worker: int | None, survivors: bool, remap: Mapping[int, int]) -> int:
    """Return the exit status.

    worker: the first worker's status, None where none has ended. survivors: something outlived even SIGKILL.
    remap: what the user wants instead of a status, such as 143 -> 0 for a worker that dies of its stop signal.
    """
    status = KILLED if survivors or worker is None else worker
    return remap.get(status, status)
