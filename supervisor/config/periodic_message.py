"""The form of the message that stands for one run of a periodic task, for those who send it and for those who receive it."""

from __future__ import annotations

from binascii import crc32

# Attributes with this prefix are for the daemon, not for the application.
CONTROL_PREFIX = "beanstalk.sqsd"

PATH = f"{CONTROL_PREFIX}.path"
TASK_NAME = f"{CONTROL_PREFIX}.task_name"
SCHEDULED_TIME = f"{CONTROL_PREFIX}.scheduled_time"

# The whole body of such a message; the application gets an empty one.
BODY = "elasticbeanstalk scheduled job"

# FIFO groups and deduplication ids, and the names of schedules, are at most 128 and 64 of these.
NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")

_LONGEST_PLAIN = 48


def plain_name(name: str) -> str:
    """Return a task's name with a dash for every character that AWS would not take."""
    return "".join(character if character in NAME_CHARACTERS else "-" for character in name)


def mark(name: str) -> str:
    """Return what tells apart two names that are the same in plain characters."""
    return f"{crc32(name.encode()):08x}"


def identity(name: str) -> str:
    """Return what stands for a task in the ids of a FIFO queue."""
    return f"{plain_name(name)[:_LONGEST_PLAIN]}-{mark(name)}"


def wrong_path(path: str) -> str | None:
    """Say why a path cannot be asked for, None where it can: whoever may send to the queue may have chosen it."""
    if not path.startswith("/"):
        return "it does not begin with `/`"
    if path.startswith("//"):
        return "it begins with `//`, which names a host"
    if not all("!" <= character <= "~" for character in path):
        return "it has a space, a control character, or one that is not ASCII"
    return None
