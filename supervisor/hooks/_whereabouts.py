"""Where this process finds who speaks to ECS for it, and how long its jobs wait for an answer there; from the environment alone.

A supervisor names its socket. Without one, on ECS, it is the socket of the container's arbiter (_election.py), in a folder that
only this user may enter.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from binascii import crc32

with contextlib.suppress(ImportError):  # not Linux: there is no ECS either
    import fcntl  # noqa: F401

CAN_LOCK = "fcntl" in sys.modules

SOCKET_VARIABLE = "ECS_SUPERVISOR_SOCKET"
HOLD_WAIT_VARIABLE = "ECS_SUPERVISOR_HOLD_WAIT"
PROTECT_VARIABLE = "ECS_SUPERVISOR_PROTECT"
PROTECT_WAIT_VARIABLE = "ECS_SUPERVISOR_PROTECT_WAIT"
AGENT_VARIABLE = "ECS_AGENT_URI"
# The number of the descriptor that a process has from who started it (attach/python/sitecustomize.py).
LENT_VARIABLE = "_ECS_SUPERVISOR_LENT"

PLACES = ("/run", "/dev/shm", "/tmp")

# What a job waits for in addition to the arbiter's own limit, for the way of the answer; and that limit's default.
ALLOWANCE_SECONDS = 1.0
PROTECT_WAIT_SECONDS = 10.0


def path() -> str:
    """Return the socket to connect to: the named one, else that of the container's arbiter; empty where there is none."""
    named = _setting(SOCKET_VARIABLE)
    if named in ("", "auto"):
        return _elected_path()
    return "" if named == "none" else named


def hold_wait() -> str | None:
    """Return the text of how long a job waits for its answer: the supervisor's word, else as the settings have it."""
    said = os.environ.get(HOLD_WAIT_VARIABLE)
    if said or not _is_wanted() or _setting(PROTECT_VARIABLE) != "before-start":
        return said
    try:
        seconds = float(_setting(PROTECT_WAIT_VARIABLE) or PROTECT_WAIT_SECONDS)
    except ValueError:
        seconds = PROTECT_WAIT_SECONDS
    return str(seconds + ALLOWANCE_SECONDS)


def is_elected(where: str | None) -> bool:
    """Say whether an arbiter listens there rather than a supervisor: its death is the death of one process of the worker."""
    return bool(where) and where == _elected_path()


def _elected_path() -> str:
    folder = folder_for(_setting(AGENT_VARIABLE)) if _is_wanted() else ""
    return f"{folder}/socket" if folder else ""


def _is_wanted() -> bool:
    """Say whether there is an agent to ask, nobody else who does, and nobody has said not to."""
    if not CAN_LOCK or _setting(SOCKET_VARIABLE) not in ("", "auto"):
        return False
    return bool(_setting(AGENT_VARIABLE)) and _setting(PROTECT_VARIABLE) != "never"


def _setting(variable: str) -> str:
    return os.environ.get(variable, "").strip()


def folder_for(agent_uri: str) -> str:
    """Return the folder of this container and user, empty where none can be made."""
    user = os.geteuid()
    name = f"ecs-supervisor-{user}-{crc32(os.fsencode(agent_uri)):08x}"
    for place in PLACES:
        folder = f"{place}/{name}"
        try:
            # Made with its mode: the umask, which belongs to the whole process, is left alone.
            with contextlib.suppress(FileExistsError):
                os.mkdir(folder, 0o700)
            found = os.lstat(folder)
        except OSError:
            continue
        # Somebody else may have been first in a place that all can write to.
        if stat.S_ISDIR(found.st_mode) and found.st_uid == user and not found.st_mode & 0o077:
            return folder
    return ""
