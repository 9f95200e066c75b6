"""Runs one command in our place: its end is ours, and every signal that only we get is passed on.

The command stays in our process group, so that the terminal treats both as one: the kernel's Ctrl-C, Ctrl-Z and hang-up reach the
command without our doing, and are not sent a second time. Signals are waited for while blocked: nothing interrupts
anything, and none comes between the look at the child and the wait for it. Those that were ignored when we were started, as under
nohup, stay ignored for the command.
"""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from time import monotonic

from .launch import Launcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable, Iterator
else:
    import _signal

# Stopping and going on are the terminal's and the shell's affair; a fault is ours alone (signal(7)).
_LEFT_ALONE = {
    _signal.SIGKILL,
    _signal.SIGSTOP,
    _signal.SIGTSTP,
    _signal.SIGTTIN,
    _signal.SIGTTOU,
    _signal.SIGCONT,
    _signal.SIGPIPE,
    _signal.SIGXFSZ,
    _signal.SIGSEGV,
    _signal.SIGBUS,
    _signal.SIGFPE,
    _signal.SIGILL,
    _signal.SIGTRAP,
    _signal.SIGSYS,
}

_TAKEN = _signal.valid_signals() - _LEFT_ALONE

# The terminal sends these to a whole group (termios(3), credentials(7)).
_FROM_TERMINAL = (_signal.SIGINT, _signal.SIGQUIT, _signal.SIGHUP, _signal.SIGWINCH)

# Python ignores these (signal module); a command expects them as they are by default.
_IGNORED_BY_PYTHON = (_signal.SIGPIPE, _signal.SIGXFSZ)

# setrlimit(2): no dump of ours beside the command's.
_NO_CORE = (0, 0)

_BY_SIGNAL = 128


def take_signals() -> None:
    """Have signals wait from now on, for this thread and all that it starts."""
    # An ignored SIGCHLD would have the kernel collect the command itself (waitpid(2)).
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_BLOCK, _TAKEN)


@contextmanager
def signals_let_in() -> Iterator[None]:
    """Take signals as other programs do for a while: most of them end us, a Ctrl-C raises KeyboardInterrupt."""
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, _TAKEN)
    try:
        yield
    finally:
        _signal.pthread_sigmask(_signal.SIG_BLOCK, _TAKEN)


class NotStarted(Exception):
    """The command cannot be executed. status: what a shell would exit with. The text is for people."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


def start(command: list[str]) -> int:
    """Start the command with our environment; return its process. Raise NotStarted."""
    words = [os.fsencode(word) for word in command]
    try:
        if not words[0]:
            # Python refuses what the kernel would only not find.
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return os.posix_spawnp(words[0], words, os.environb, setsigmask=(), setsigdef=_IGNORED_BY_PYTHON)
    except OSError as error:
        status, why = Launcher(words, os.environb).explain(error)
        raise NotStarted(why, status) from None


def attend(child: int, pulse: Callable[[], float]) -> int:
    """Pass signals on until the command has ended; return its exit status, or -n where signal n ended it.

    pulse: called now and then; returns the seconds until it wants to be called again.
    """
    next_at = 0.0
    while True:
        if (left := next_at - monotonic()) <= 0:
            left = pulse()
            next_at = monotonic() + left
        came = _signal.sigtimedwait(_TAKEN, left)
        if came is None:
            continue
        if came.si_signo != _signal.SIGCHLD:
            _pass_on(child, came)
        # Looked at after every signal: several that come at once may be one.
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)


def end_by(number: int) -> int:
    """End by this signal, so that whoever waits for us sees what it would have seen of the command."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, _NO_CORE)
    if number not in (_signal.SIGKILL, _signal.SIGSTOP):
        _signal.signal(number, _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, (number,))
    os.kill(os.getpid(), number)
    # Process 1 does not die of its own signals.
    return _BY_SIGNAL + number


def _pass_on(child: int, came: _signal.struct_siginfo) -> None:
    # A code above zero: from the kernel, not from a process (sigaction(2)).
    if came.si_code <= 0 or came.si_signo not in _FROM_TERMINAL:
        os.kill(child, came.si_signo)
