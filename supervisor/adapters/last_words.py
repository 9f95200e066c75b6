"""Writes to stderr when there is no log to do it, without ever being stuck; light, and imports nothing until it speaks."""

from __future__ import annotations

import os

# As much as a pipe takes at once when it takes anything: a write of this size to a writable pipe does not block (pipe(7)).
_PIECE_BYTES = 4096

_STANDARD_ERROR = 2


def say(text: str, limit: float = 1.0) -> None:
    """Write the text as far as somebody reads it. limit: seconds to wait for a reader, in all: a worker is to be stopped."""
    import select
    from time import monotonic

    deadline = monotonic() + limit
    # Names come from others; none of their characters may keep the rest from being said.
    left = text.encode(errors="backslashreplace")
    poll = select.poll()
    poll.register(_STANDARD_ERROR, select.POLLOUT)
    try:
        while left and poll.poll(max(0.0, deadline - monotonic()) * 1000):
            left = left[os.write(_STANDARD_ERROR, left[:_PIECE_BYTES]) :]
    except OSError:
        # Closed, full or gone; there is no other place to say so.
        return
