"""Sees the end of processes at once, by their pidfds, in one thread that waits for nothing else."""

from __future__ import annotations

import errno
import os
import select
import threading
from collections.abc import Callable


class Watch:
    """start: begins work in a thread of that name; used when there is somebody to watch."""

    def __init__(self, start: Callable[[str, Callable[[], None]], None]) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._epoll: select.epoll | None = None
        self._ended: dict[int, Callable[[], None]] = {}
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._closed = False

    def add(self, process: int, ended: Callable[[], None]) -> None:
        """Have `ended` called once when the process of this pidfd has ended, from another thread.

        The pidfd is to be kept open until then, or until it is removed: its number must not name another one meanwhile.
        Raise OSError where it cannot be watched.
        """
        with self._lock:
            if self._epoll is None:
                epoll = self._epoll = select.epoll()
                epoll.register(self._bell, select.EPOLLIN)
                try:
                    self._start("deaths", self._work)
                except RuntimeError as error:
                    # No thread can be had now; the next process is the next try.
                    self._epoll = None
                    raise OSError(errno.EAGAIN, "no thread can be started") from error
            self._epoll.register(process, select.EPOLLIN)
            self._ended[process] = ended

    def remove(self, process: int) -> None:
        """Stop watching; nothing happens where it has ended already."""
        with self._lock:
            self._drop(process)

    def close(self) -> None:
        """End the thread. Waits for nothing."""
        self._closed = True
        os.eventfd_write(self._bell, 1)

    def _work(self) -> None:
        assert self._epoll is not None
        while not self._closed:
            for descriptor, _ in self._epoll.poll():
                if descriptor != self._bell and (ended := self._take(descriptor)) is not None:
                    ended()

    def _take(self, process: int) -> Callable[[], None] | None:
        with self._lock:
            # Asked once more: by now the number may belong to a pidfd that came after the one that was meant.
            return self._drop(process) if process in self._ended and _has_ended(process) else None

    def _drop(self, process: int) -> Callable[[], None] | None:
        if self._epoll is None or process not in self._ended:
            return None
        self._epoll.unregister(process)
        return self._ended.pop(process)


def _has_ended(process: int) -> bool:
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(0))
