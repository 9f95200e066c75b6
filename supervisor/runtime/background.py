"""Named threads for whatever would block the deciding thread.

The contract: `start` returns at once; the work runs until it returns or the process ends, whichever is sooner, and nobody
waits for it. If it raises, that is told and the work is begun again after a delay, so it must keep what matters in its
object. Signals are blocked in these threads, so that none of their calls is interrupted.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

# The first pause is short enough not to matter once, the longest keeps a broken part from filling the log.
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 30.0


class Background:
    """died: called with the thread's name and the error, in that thread, whenever some work has raised."""

    def __init__(self, died: Callable[[str, BaseException], None]) -> None:
        self._died = died

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Run the work in a thread of that name."""
        threading.Thread(target=self._run, args=(name, work), name=name, daemon=True).start()

    def _run(self, name: str, work: Callable[[], None]) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        pause, never = _FIRST_PAUSE_SECONDS, threading.Event()
        while True:
            try:
                return work()
            except BaseException as error:  # noqa: BLE001 - whatever it was, the part it serves must go on
                self._died(name, error)
            never.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
