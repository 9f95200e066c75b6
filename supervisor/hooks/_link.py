"""One connection to the supervisor's hook socket: lines go out without waiting, lines come in on one thread.

Sending takes no lock. Linux takes a short write to a Unix stream socket whole or not at all, so every line is
one non-blocking send and the lines of many threads never mix. A line that does not fit is not kept: only its
hold's number is, and a thread that may wait for room says what is true of the hold by then. While it does,
all other lines go the same way, since a thread that waits gets no room as long as others that do not wait
take it.

What waits is bounded, however long the supervisor hangs: a job that comes and goes meanwhile leaves nothing.

Threads are started the plain way: `threading.Thread.start` takes a lock and keeps books, and a time limit
thrown into it breaks both. Mind gevent and eventlet: what they patch is looked up when it is used, so that it
waits with their event loop; but job code sends through a second socket that is never patched, because theirs
would wait for room. No descriptor is closed while another thread may be using it: the last reference closes.
"""

from __future__ import annotations

import _socket
import _thread
import contextlib
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

# A listener whose queue is full makes connect() wait; so long, on the reading thread and never in a job.
CONNECT_SECONDS = 5.0
# More than the supervisor ever says at once.
RECEIVE_BYTES = 65536
# Without an end in so many bytes it is not our supervisor that speaks.
LINE_BYTES = 65536
# So much Linux takes whole or not at all, with room to spare, and the supervisor reads at once.
SEND_BYTES = 4096
# MSG_NOSIGNAL: a worker that set SIGPIPE back to its default must not die of a supervisor that went away.
# Where these are missing there is no supervisor either, and this module need only be importable.
NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)
NO_SIGNAL_NO_WAIT = NO_SIGNAL | getattr(socket, "MSG_DONTWAIT", 0)

# Of a hold that waits to be said. Its beginning never left us, so that its end may stay unsaid too:
NEW = 1
# Something was said of it, or may have been, so that its end has to be:
OWED = 2


class Link:
    """A connection that stands; making it raises OSError. line_for: says what is true of a hold."""

    __slots__ = ("_flushing", "_line_for", "_sock", "_unsaid", "_wire", "peer")

    def __init__(self, path: str, line_for: Callable[[int], bytes]) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(CONNECT_SECONDS)
            sock.connect(path)
            wire = _socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, os.dup(sock.fileno()))
            # A time limit belongs to one object but O_NONBLOCK to both: the reader's wish must come last. A
            # limit of zero matters where socket.setdefaulttimeout() would let a send wait in spite of its
            # flag.
            wire.settimeout(0)
            sock.settimeout(None)
        except BaseException:
            sock.close()
            raise
        self._sock = sock
        self._wire = wire
        # The process that listens, 0 where it is in another PID namespace (struct ucred, unix(7)).
        credentials = wire.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        self.peer = int.from_bytes(credentials[:4], sys.byteorder)
        self._line_for = line_for
        self._unsaid: dict[int, int] = {}
        self._flushing = threading.Lock()

    def begin(self, number: int, line: bytes) -> None:
        """Say a hold for the first time."""
        self._send(line, {number: NEW})

    def tell(self, number: int, line: bytes) -> None:
        """Say something more about a hold."""
        self._send(line, {number: OWED})

    def end(self, number: int, line: bytes) -> None:
        """Say that a hold has ended, unless its beginning was never said."""
        if self.is_owed(number):
            self._send(line, {number: OWED})

    def tell_all(self, lines: Iterable[tuple[int, int, bytes]], also: bytes = b"") -> bool:
        """Say something about many holds, given with NEW or OWED, in as few sends as there have to be.

        also: said before all else, unless there is no room; then it returns False.
        """
        texts: list[bytes] = [also]
        about: list[dict[int, int]] = [{}]
        for number, standing, line in lines:
            if len(texts[-1]) + len(line) > SEND_BYTES:
                texts.append(b"")
                about.append({})
            texts[-1] += line
            about[-1][number] = standing
        if not texts[0]:
            return True
        was_said = [self._send(*each) for each in zip(texts, about, strict=True)]
        return was_said[0]

    def is_owed(self, number: int) -> bool:
        """Say whether the end of a hold has to be said: its beginning was, or may have been."""
        return self._unsaid.pop(number, OWED) is OWED

    def tell_later(self, numbers: Iterable[int]) -> None:
        """Say what is true of these holds as soon as there is room."""
        self._wait_for_room(dict.fromkeys(numbers, OWED))

    def lines(self) -> Iterator[bytes]:
        """Yield the supervisor's lines until the connection ends.

        No time limit: the kernel ends this wait when the peer dies, and a peer that hangs has nothing to say.
        """
        rest = b""
        while len(rest) <= LINE_BYTES:
            try:
                chunk = self._sock.recv(RECEIVE_BYTES)
            except (
                OSError,
                EOFError,
            ):  # EOFError: eventlet's word for a socket that was closed under its reader
                return
            if not chunk:
                return
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole

    def hang_up(self) -> None:
        """End the connection for both sides, whoever still has a descriptor of it."""
        with contextlib.suppress(OSError):  # the other side was first
            self._wire.shutdown(socket.SHUT_RDWR)

    def forsake(self) -> None:
        """Close our descriptors only: a connection inherited through fork is still the parent's."""
        self._wire.close()
        self._sock.close()

    def hand_on(self, whether: bool) -> int:
        """Have the connection stay open in programs that this process starts, or not any more; the descriptor's number."""
        number = self._wire.fileno()
        if number >= 0:
            os.set_inheritable(number, whether)
        return number

    def _send(self, lines: bytes, standings: Mapping[int, int]) -> bool:
        """Say whole lines; False where there is no room for them, and what they are about is said later."""
        if self._unsaid:
            self._wait_for_room(standings)
            return False
        try:
            if self._wire.send(lines, NO_SIGNAL_NO_WAIT) != len(lines):
                self.hang_up()
        except BlockingIOError:
            self._wait_for_room(standings)
            return False
        except OSError:
            pass  # the reader sees this end too, and everything is said anew on the next connection
        return True

    def _wait_for_room(self, standings: Mapping[int, int]) -> None:
        for number, standing in standings.items():
            # What has been owed stays owed: a second line about a hold does not unsay the first.
            if self._unsaid.setdefault(number, standing) != standing:
                self._unsaid[number] = OWED
        # The lock is the thread's own. Were it taken here, an exception thrown in now would leave it taken.
        if self._unsaid and not self._flushing.locked():
            # RuntimeError: no more threads. The next line tries again.
            with contextlib.suppress(RuntimeError):
                _thread.start_new_thread(self._flush, ())

    def _flush(self) -> None:
        # Looked at again after each release: a number noted just before it found this thread still at work.
        while self._unsaid and self._flushing.acquire(blocking=False):
            for number in list(self._unsaid):
                if self._unsaid.pop(number, None) is None:
                    continue
                line = self._line_for(number)
                try:
                    self._sock.sendall(line, NO_SIGNAL)
                except OSError:
                    return  # without releasing: this connection is over, no thread need be started again
                if self._line_for(number) != line:
                    # The hold's end has been said meanwhile, and its beginning only now.
                    self._unsaid[number] = OWED
            self._flushing.release()

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError, OSError):  # it may never have stood
            self.forsake()
