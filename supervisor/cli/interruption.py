"""Ctrl-C for commands that start processes: it takes effect between two steps, never within one.

Thrown into any line, as the interpreter does by default, it could leave a process started and not noted down, or a lock
taken for ever.
"""

from __future__ import annotations

import signal


class Interruption:
    """While entered, Ctrl-C is noted; `check` raises KeyboardInterrupt then. One that was ignored before stays ignored."""

    def __init__(self) -> None:
        self._has_come = False
        self._before = signal.getsignal(signal.SIGINT)

    def __enter__(self) -> Interruption:
        if self._before is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def check(self) -> None:
        """Take the chance to be interrupted."""
        if self._has_come:
            raise KeyboardInterrupt

    def _note(self, *_: object) -> None:
        self._has_come = True
