"""Gives the worker the very environment the container was started with.

Two things change it on the way to us. The shell in the first lines of our entry script adds variables (PWD, SHLVL), and
Debian's, dash, drops those whose names are no shell identifiers, such as `spring.datasource.url`; so the script keeps a
copy of what the kernel had given to it, unless that is more than 96 KiB. And in the C locale the interpreter itself sets LC_CTYPE (PEP 538), also when
it is started as `python -I -m supervisor`; there what the kernel gave is still to be read.
"""

from __future__ import annotations

import os

# Base64 of the block in /proc/PID/environ: entries that end with NUL (proc(5)). Set by the entry script only.
_COPY = b"_ECS_SUPERVISOR_ENVIRON"


def restore() -> None:
    """Make the environment what it was before any shell or interpreter changed it, as far as that can be known."""
    block = _copied(os.environb.pop(_COPY, b"")) or _from_kernel()
    if not block:
        return
    os.environb.clear()
    # Backwards, because of two entries with the same name the first is the one that counts (getenv(3)).
    for entry in reversed(block.split(b"\0")):
        name, equals, value = entry.partition(b"=")
        if name and equals and name != _COPY:
            os.environb[name] = value


def _copied(copy: bytes) -> bytes:
    if not copy:
        return b""
    # The C module below base64, which would import re.
    from binascii import a2b_base64

    return a2b_base64(copy)


def _from_kernel() -> bytes:
    """Return the block that this process was started with, empty where there is no /proc."""
    try:
        with open("/proc/self/environ", "rb") as file:
            return file.read()
    except OSError:
        return b""
