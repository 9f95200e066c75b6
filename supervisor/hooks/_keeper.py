"""What a framework's hook needs to keep its gate: it calls the framework's own quiet and resume, and confirms them.

Rules
  1. `shut` is called when the supervisor wants no new work, again every tenth of a second until it returns True; only
     then the supervisor hears that nothing new will begin. `open` is called when new work is welcome again.
  2. Both run on one daemon thread of this module, never on a job's or in a signal handler, so they may wait.
  3. What they raise is told once and is no confirmation: the supervisor then waits as long as it thinks right.
  4. A worker whose supervisor has died takes no new work and is asked to end, by the signal that ends it gracefully:
     nobody would protect its jobs or stop it in time. (Where the supervisor was PID 1 the container has ended too.) Where
     the supervisor has asked already, it is left to them: many kinds of workers take a second signal for an order to drop
     everything.
"""

from __future__ import annotations

import _thread
import os
import threading
from collections.abc import Callable

from . import _attach
from ._client import Client, client
from ._waiting import ONE_WAIT_SECONDS

RETRY_SECONDS = 0.1
# Between two looks at whether a supervisor that hung up has died: it may still wait to be reaped.
DEATH_SECONDS = 1.0


class Keeper:
    """shut, open: see the rules. stop_signal: what ends this process gracefully, 0 where another process does that."""

    def __init__(self, shut: Callable[[], bool], open: Callable[[], object], stop_signal: int = 0) -> None:  # noqa: A002
        self._shut = shut
        self._open = open
        self._stop_signal = stop_signal
        # Begun to be shut, and confirmed.
        self._is_shutting = False
        self._is_shut = False
        self._is_orphaned = False
        self._client: Client | None = None

    def start(self) -> None:
        """Begin to keep the gate, in the process that fetches; once more does nothing, except in a forked child."""
        here = client()
        if self._client is not here:
            self._client = here
            self._is_shutting = self._is_shut = self._is_orphaned = False
            here.look()
            _thread.start_new_thread(self._run, (here,))

    @property
    def wanted_shut(self) -> bool:
        """Whether no new work should begin now."""
        here = self._client
        # Begun, and in no forked child: it need not be asked whether the client is there.
        state = client().look() if here is None or here.is_retired else here.state
        return not state.accepting or state.stopping or self._is_orphaned

    def wait_open(self, timeout: float) -> bool:
        """Wait until new work is welcome; whether it is. At first the supervisor is given a moment to speak."""
        here = client()
        if not here.spoken() and (first := max(here.first_word_timeout(), here.hold_wait)) > 0:
            here.waiting.wait(here.spoken, min(first, timeout))
        return here.waiting.wait(lambda: not self.wanted_shut, timeout)

    def _run(self, here: Client) -> None:
        """Follow what the supervisor wants, for as long as this process lives."""
        pause = threading.Event()
        while here is self._client:
            cut_off = here.is_cut_off

            def has_news(cut_off: bool = cut_off) -> bool:
                return self._has_news() or here.is_cut_off != cut_off

            here.waiting.wait(has_news, DEATH_SECONDS if cut_off else ONE_WAIT_SECONDS)
            if not self._is_orphaned and here.supervisor_is_dead():
                self._is_orphaned = True
                # Asked now, as what a supervisor has said is forgotten some time after its death.
                if here.state.signalled:
                    self._stop_signal = 0
                _attach.warn(
                    "the supervisor has died; this worker takes no new work and ends when its jobs have"
                )
                if self._is_shut:
                    self._leave()
            if self.wanted_shut and not self._is_shut:
                self._is_shutting = True
                if self._call(self._shut):
                    self._is_shut = True
                    here.say_gate(shut=True)
                    self._leave()
                else:
                    pause.wait(RETRY_SECONDS)
            elif self._is_shutting and not self.wanted_shut:
                self._is_shutting = self._is_shut = False
                here.say_gate(shut=False)
                self._call(self._open)

    def _has_news(self) -> bool:
        return self.wanted_shut != self._is_shutting or self._is_shut != self._is_shutting

    def _call(self, what: Callable[[], object]) -> object:
        try:
            return what()
        except Exception as error:  # noqa: BLE001 - the framework's own, in a version that we do not know
            _attach.warn(f"the gate of this worker does not work ({type(error).__name__}: {error})")
            return False

    def _leave(self) -> None:
        if self._is_orphaned and self._stop_signal:
            os.kill(os.getpid(), self._stop_signal)
