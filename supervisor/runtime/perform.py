"""Carries out the engine's orders, each by one call to a port."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import assert_never

from supervisor.core.effects import (
    Announce,
    Dump,
    Effect,
    Exit,
    Forward,
    Grant,
    Kill,
    Level,
    LookAtProtection,
    Note,
    Protect,
    Quiet,
    Refuse,
    Resume,
    Spawn,
    Stop,
    Unprotect,
    note,
)
from supervisor.core.events import Event
from supervisor.ports import Hooks, Log, Protector, Workers


class Performer:
    """context: gives the fields that every log line carries. dump: writes snapshot and journal.

    sweep_limit: seconds that the last clean-up may take. hooks, protector: None where there is none to talk to.
    """

    def __init__(
        self,
        workers: Workers,
        hooks: Hooks | None,
        protector: Protector | None,
        log: Log,
        context: Callable[[], Sequence[tuple[str, object]]],
        dump: Callable[[], None],
        sweep_limit: float,
    ) -> None:
        self._workers = workers
        self._hooks = hooks
        self._protector = protector
        self._log = log
        self._context = context
        self._dump = dump
        self._sweep_limit = sweep_limit
        # Whether the worker has had a stop signal: many kinds take a second one for an order to drop everything.
        self.asked_to_stop = False
        # Set by the order to exit, which is the last one.
        self.exit_status: int | None = None

    def perform(self, effect: Effect) -> Event | None:
        """Carry out one order; return the fact that it has brought about, if it is one for the engine."""
        match effect:
            case Note():
                self._log.write(effect, self._context())
            case Announce():
                if self._hooks is not None:
                    self._hooks.announce(effect)
            case Grant() | Refuse():
                if self._hooks is not None:
                    self._hooks.answer(effect)
            case Spawn(worker=worker):
                return self._workers.spawn(worker)
            case Forward(worker=worker, signal=signal):
                self._workers.signal(worker, signal)
            case Quiet(worker=worker, signal=wanted) | Resume(worker=worker, signal=wanted):
                if wanted is not None:
                    self._workers.signal(worker, wanted)
            case Stop(worker=worker, signal=signal):
                self._workers.stop(worker, signal)
                self._note_stop()
            case Kill(worker=worker):
                self._workers.kill(worker)
            case Protect() | Unprotect() | LookAtProtection():
                if self._protector is not None:
                    self._protector.submit(effect)
            case Dump():
                self._dump()
            case Exit(status=status):
                self._exit(status)
            case _:
                assert_never(effect)
        return None

    def prepared(self, effect: Quiet | Stop | Forward) -> tuple[Callable[[], object], ...]:
        """Return what carries out an order, the signal first, for when every microsecond counts.

        Each may raise OSError, which means what False means of a worker's port. Empty where only hooks are told.
        """
        if isinstance(effect, Stop):
            return (*self._workers.prepared(effect.worker, effect.signal, wakes=True), self._note_stop)
        if effect.signal is None:
            return ()
        return self._workers.prepared(effect.worker, effect.signal, wakes=False)

    def _note_stop(self) -> None:
        self.asked_to_stop = True

    def _exit(self, status: int) -> None:
        if survivors := self._workers.sweep(self._sweep_limit):
            told = note("task.left_behind", Level.ERROR, processes=survivors)
            self._log.write(told, self._context())
        self.exit_status = status
