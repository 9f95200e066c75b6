"""Shares the terminal with the worker when it is our standard input; light, because it is set up at the first start.

A worker in a group of its own is a background job to the terminal: it could not read, and Ctrl-C would come to us instead. So
its group is put into the foreground, and the kernel then sends it Ctrl-C, Ctrl-Z and changes of the window's size without our
doing (credentials(7), termios(3)). We step back in when it stops or ends.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal

# The only terminal we ever share is our standard input: a worker behind a pipe has no use for the keyboard.
_STANDARD_INPUT = 0


class Terminal:
    """The terminal, while our group has its foreground to give away."""

    __slots__ = ("_ours",)

    def __init__(self) -> None:
        self._ours = os.getpgrp()

    def give(self, group: int) -> None:
        """Put the worker's group into the foreground."""
        _set_foreground(group)

    def take_back(self) -> None:
        """Put our own group into the foreground again."""
        _set_foreground(self._ours)

    def is_with(self, group: int) -> bool:
        """Say whether that group is in the foreground now."""
        return _foreground(_STANDARD_INPUT) == group

    def is_with_us(self) -> bool:
        return self.is_with(self._ours)


def terminal_to_share() -> Terminal | None:
    """Return the terminal if standard input is one and our group is in its foreground."""
    return Terminal() if _foreground(_STANDARD_INPUT) == os.getpgrp() else None


def keyboard_is_ours() -> bool:
    """Say whether a Ctrl-C at our terminal comes to us, whatever standard input is."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return _foreground(terminal) == os.getpgrp()
    finally:
        os.close(terminal)


def _foreground(terminal: int) -> int | None:
    try:
        return os.tcgetpgrp(terminal)
    except OSError:
        return None


def _set_foreground(group: int) -> None:
    # Whoever does this from the background is stopped by SIGTTOU, unless it is blocked (tcsetpgrp(3)).
    before = _signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGTTOU,))
    try:
        os.tcsetpgrp(_STANDARD_INPUT, group)
    except OSError:
        # The terminal was hung up or the group is gone already; there is nobody left to share with.
        pass
    finally:
        _signal.pthread_sigmask(_signal.SIG_SETMASK, before)
