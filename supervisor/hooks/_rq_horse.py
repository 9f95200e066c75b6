"""The hold of an RQ horse: it outlives a killed parent, whose own hold ends with it.

A horse lives for one job. A client with its thread would cost it, and the next job, more than all else that is done for it
here; so it says what it has to say by itself, over a connection that it does not read. Nobody says it again for it after a
loss: meanwhile there is its parent's hold. A job that asks for `stopping()` gets a client of its own, as anywhere.
"""

from __future__ import annotations

import _socket
import contextlib

from . import _whereabouts
from . import _words as words

# Its only one.
_NUMBER = 1


class HorseHold:
    """Begins when it is made, and ends with this process at the latest."""

    def __init__(self, name: str, about: str) -> None:
        self._sock: _socket.socket | None = None
        path = _whereabouts.path()
        if not path:
            return
        kind = _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC
        sock = _socket.socket(_socket.AF_UNIX, kind)
        # Not there, or so busy that it would have to be waited for.
        with contextlib.suppress(OSError):
            sock.connect(path)
            sock.send(words.hello(name) + words.hold(_NUMBER, about, None), _socket.MSG_NOSIGNAL)
            self._sock = sock

    def end(self) -> None:
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.send(words.release(_NUMBER), _socket.MSG_NOSIGNAL)
            self._sock.close()
            self._sock = None
