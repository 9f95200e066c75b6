"""The hold of a spawned RQ horse: it outlives a killed parent, whose own hold ends with it.

A spawned horse is a new interpreter, and this module all that it loads of the hooks (`attach`); a forked one has no need of it.
It lives for one job, so it says what it has to say by itself, over a connection that it does not read. Nobody says it again
for it after a loss: meanwhile there is its parent's hold. A job that asks for `stopping()` gets a client of its own, as
anywhere.

A short job says nothing at all: to hear of another process costs the supervisor more than a job of a millisecond. That it
would be cut with a parent that is killed in its first LATE_SECONDS is as true of the time in which the horse starts.
"""

from __future__ import annotations

import _socket
import _thread
import contextlib
import functools
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import _attach, _whereabouts
from . import _words as words

# What a spawned horse finds in place of the framework's name, for itself alone: it is no worker.
SPAWNED = "_rq_horse"

# From the begin of a job until its horse speaks for itself.
LATE_SECONDS = 0.05

# Its only one.
_NUMBER = 1

_WRAPPED = "_ecs_supervisor_wrapped"


def attach() -> None:
    """Attach to the one job of a spawned horse."""
    if _attach.claim(SPAWNED):
        _attach.when_imported("rq.worker", _wrap_workers)


def job_name(description: str | None, id_: str) -> str:
    """Return what people call this job. Of RQ's description, `app.send("to")`, without what may be private."""
    return f"{(description or '').partition('(')[0].strip()[:100]} {id_}".strip()


def wrap(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
    """Wrap a method in the class that defines it, once, whichever of the classes below it is used."""
    owner = next(each for each in owner.__mro__ if name in vars(each))
    raw = vars(owner)[name]
    original = raw.__func__ if isinstance(raw, classmethod) else raw
    if hasattr(original, _WRAPPED):
        return

    @functools.wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return wrapper(original, *args, **kwargs)

    setattr(wrapped, _WRAPPED, True)
    setattr(owner, name, classmethod(wrapped) if isinstance(raw, classmethod) else wrapped)


def perform_job(original: Callable[..., Any], worker: Any, job: Any, *args: Any, **kwargs: Any) -> Any:
    """In the horse, which was told only to run this."""
    hold = _hold(worker, job)
    try:
        return original(worker, job, *args, **kwargs)
    finally:
        if hold is not None:
            hold.end()


class HorseHold:
    """Begins a moment after it is made, unless it has ended by then, and ends with this process at the latest."""

    def __init__(self, name: str, about: str) -> None:
        self._name = name
        self._about = about
        self._sock: _socket.socket | None = None
        # Locked until the end; the plain way, as in _link.py.
        self._runs = _thread.allocate_lock()
        self._runs.acquire()
        # RuntimeError: no more threads.
        with contextlib.suppress(RuntimeError):
            _thread.start_new_thread(self._begin_late, ())

    def end(self) -> None:
        if self._runs.locked():
            self._runs.release()
            self._leave()

    def _begin_late(self) -> None:
        if self._runs.acquire(timeout=LATE_SECONDS):
            return
        path = _whereabouts.path()
        if not path:
            return
        kind = _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC
        sock = _socket.socket(_socket.AF_UNIX, kind)
        try:
            sock.connect(path)
            self._sock = sock
            sock.send(words.hello(self._name) + words.hold(_NUMBER, self._about, None), _socket.MSG_NOSIGNAL)
            # Whoever has ended it meanwhile may have been too early to be heard.
            if not self._runs.locked():
                self._leave()
        except OSError:
            # Not there, or so busy that it would have to be waited for.
            sock.close()

    def _leave(self) -> None:
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.send(words.release(_NUMBER), _socket.MSG_NOSIGNAL)
            self._sock.close()


@_attach.guard
def _wrap_workers(module: ModuleType) -> None:
    wrap(module.Worker, "perform_job", perform_job)


@_attach.guard
def _hold(worker: Any, job: Any) -> HorseHold:
    # The parent has asked already, and been granted.
    os.environ.pop(_whereabouts.HOLD_WAIT_VARIABLE, None)
    return HorseHold(f"rq horse of {worker.name}", job_name(job.description, job.id))
