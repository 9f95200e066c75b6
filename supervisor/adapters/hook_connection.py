"""One connected hook: bytes in and out of a socket that never blocks, within bounds that the peer cannot move."""

from __future__ import annotations

import _socket
from collections import deque

from supervisor.core.instants import Instant, earliest
from supervisor.ports import Clock

from .hook_protocol import LINE_BYTES

# One read a turn, so that a hook that talks without end costs others and the signals about 3 ms.
_READ_BYTES = 4096

# Answers that a peer has not fetched. It asks for one and waits, so more than this means that it does not read.
_UNREAD_ANSWERS = 256


class Connection:
    """holder: what the core calls it. about: how it calls itself."""

    __slots__ = (
        "_answers",
        "_full_until",
        "_partial",
        "_rest",
        "_socket",
        "_state",
        "about",
        "has_heirs",
        "holder",
        "is_attached",
        "malformed",
        "open_ids",
        "process",
    )

    def __init__(self, connected: _socket.socket, holder: str) -> None:
        connected.setblocking(False)
        self._socket = connected
        self._rest = b""
        self._partial = b""
        self._answers: deque[bytes] = deque(maxlen=_UNREAD_ANSWERS)
        self._state = b""
        self.holder = holder
        self.about = ""
        # Whether it has said that it is attached to a framework.
        self.is_attached = False
        # Whether children of its process go on with its work when that ends.
        self.has_heirs = False
        # How many lines in a row could not be understood.
        self.malformed = 0
        # The holds it has not released, by its own names for them, and when each ends by itself.
        self.open_ids: dict[str, Instant] = {}
        # Where it has as many as it may: before then none of them ends by itself.
        self._full_until = Instant(0.0)
        # A handle on the peer's process, None where there is none.
        self.process: int | None = None

    def fileno(self) -> int:
        return self._socket.fileno()

    def is_full(self, most: int, clock: Clock) -> bool:
        """Say whether it has so many holds open. Those that have ended by themselves count until they are in the way."""
        if len(self.open_ids) < most:
            self._full_until = Instant(0.0)
            return False
        if self._full_until <= (now := clock.now()):
            for id_ in [id_ for id_, ends_at in self.open_ids.items() if ends_at <= now]:
                del self.open_ids[id_]
            self._full_until = earliest(*self.open_ids.values())
        return len(self.open_ids) >= most

    def read_lines(self) -> list[bytes] | None:
        """Return the lines that are complete; None at the end of the connection. Raise OverflowError for an endless one."""
        try:
            chunk = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not chunk:
            return None
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LINE_BYTES or any(len(line) > LINE_BYTES for line in lines):
            raise OverflowError
        return lines

    def say(self, line: bytes) -> None:
        """Send as soon as the peer takes it. If it reads nothing at all, the oldest answers give way."""
        self._answers.append(line)
        self.flush()

    def say_state(self, line: bytes) -> None:
        """Send as soon as the peer takes it, instead of any older state that it has not taken yet."""
        self._state = line
        self.flush()

    def flush(self) -> None:
        """Send what the peer takes."""
        line = b""
        try:
            while line := self._next():
                self._partial = line[self._socket.send(line, _socket.MSG_NOSIGNAL) :]
        except BlockingIOError:
            self._partial = line
        except OSError:
            # The end of the connection is seen by the next read.
            self._partial, self._state = b"", b""
            self._answers.clear()

    @property
    def is_behind(self) -> bool:
        """Say whether something waits for the peer."""
        return bool(self._partial or self._answers or self._state)

    def close(self) -> None:
        self._socket.close()

    def _next(self) -> bytes:
        if self._partial:
            line, self._partial = self._partial, b""
        elif self._answers:
            line = self._answers.popleft()
        else:
            line, self._state = self._state, b""
        return line
