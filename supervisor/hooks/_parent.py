"""A pool process whose main process has died: it must not go on fetching work that nobody would ever stop in time.

Rules
  1. Only a child that multiprocessing has started has a main process here; anything else is left alone.
  2. Death is seen by the parent's number, not by the pipe that multiprocessing keeps for it: forked sisters inherit that
     pipe's other end, so it tells the truth only after all of them have gone.
  3. It is told once, on file descriptor 2 itself: what `sys.stderr` is here may lead to the process that died.
"""

from __future__ import annotations

import _thread
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable

from . import _attach
from ._client import client

# The main process is looked for so often; its death costs at most that much more fetching.
LOOK_SECONDS = 0.5


class Parent:
    """The main process of this pool process.

    when_dead: called once, on this module's thread, when the main process has died. pause: seconds between seeing that
    and the call, in which the gate is shut already. is_ending: whether the main process has been asked to end, which is known
    here a pause later at most.
    """

    def __init__(
        self,
        framework: str,
        when_dead: Callable[[], object],
        pause: float = 0.0,
        is_ending: Callable[[], bool] = bool,
    ) -> None:
        self.is_dead = False
        self._framework = framework
        self._when_dead = _attach.guard(when_dead)
        self._pause = pause
        self._is_ending = is_ending
        self._pid = 0

    def watch(self) -> None:
        """Begin to look after it; does nothing in a process that is nobody's child."""
        if multiprocessing.parent_process() is not None:
            self._pid = os.getppid()
            _thread.start_new_thread(self._run, ())

    def end_with_supervisor(self) -> None:
        """Ask the main process to end when the supervisor has died without having done so; for one child of it only."""
        if multiprocessing.parent_process() is not None:
            _thread.start_new_thread(self._run_with_supervisor, ())

    def _run(self) -> None:
        wait = threading.Event().wait
        while os.getppid() == self._pid:
            wait(LOOK_SECONDS)
        self.is_dead = True
        _attach.warn(
            f"the main process of {self._framework} has died; pool process {os.getpid()} takes no new work and ends"
            " when its jobs have"
        )
        wait(self._pause)
        self._when_dead()

    def _run_with_supervisor(self) -> None:
        wait = threading.Event().wait
        while not client().supervisor_is_dead():
            wait(LOOK_SECONDS)
        # Asked now, as what a supervisor has said is forgotten some time after its death.
        was_asked = client().state.signalled
        wait(self._pause)
        if not (self.is_dead or was_asked or self._is_ending()):
            os.kill(os.getppid(), signal.SIGTERM)
