"""Carries out in the signal handler what a signal is already known to mean for the worker; nothing is decided here.

The loop would do the same some hundred microseconds later, and when hooks are busy some milliseconds. Python runs our handlers
in the deciding thread, between two steps of whatever it does, so what happens here must be right at any moment.

Rules
  1. The engine is told of the signal all the same, in its turn, and orders the same again; `was_done` then says that it is
     done. So a signal goes to the worker once, and what is noted does not depend on this module.
  2. The orders that are expected hold until anything but a job's beginning or end is decided on (`forget`), which includes
     the end of a process: one that was collected is never signalled.
  3. Where the orders depend on whether work is in flight, they are carried out only while the loop sleeps and nobody has
     said anything that it has not heard: a job that had just begun must not be interrupted.
  4. Signals stay in order: what cannot be carried out here leaves all that come after it to the loop as well. Of those that
     come at once the lower number is first, because Python runs its handlers so; so does the kernel where a process has not
     got to them yet, and nobody can rely on another order.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from supervisor.core.effects import Effect, Forward, Kill, Quiet, Stop
from supervisor.core.foresight import Foresight
from supervisor.core.names import SignalName


class Early:
    """What has been carried out for a signal, before the engine was told of it.

    orders: those that the engine has not given yet. hear_first: whether what was said before the signal is to be heard
    before the engine is told.
    """

    __slots__ = ("hear_first", "number", "orders")

    def __init__(self, number: int, orders: Iterable[Effect], hear_first: bool) -> None:
        self.number = number
        self.orders = list(orders)
        self.hear_first = hear_first


class Prepares(Protocol):
    def prepared(self, effect: Quiet | Stop | Forward) -> tuple[Callable[[], object], ...]: ...


class Reflex:
    """stops, forwards: the numbers of the signals that ask for the end, and of those that are passed on, with their names.

    selector: what the loop waits on, which is how it hears of signals, too.
    """

    def __init__(
        self,
        stops: Iterable[int],
        forwards: Mapping[int, SignalName],
        performer: Prepares,
        selector: int,
    ) -> None:
        self._performer = performer
        self._forwards = forwards
        # Its own descriptor: this object closes what it has in the end, when the number may have long been another's.
        self._look = select.epoll.fromfd(os.dup(selector)).poll
        self._foresight: Foresight | None = None
        self._working = False
        self._stop: _Prepared | None = None
        self._early: list[Early] = []
        # Whether the loop waits, with nothing left to decide on.
        self.asleep = False
        # What the handler calls, by number; each says whether it has done all that the worker is to have of the signal.
        self.actions: dict[int, Callable[[int], bool]] = {
            **dict.fromkeys(stops, self._on_stop),
            **dict.fromkeys(forwards, self._on_other),
        }

    def expect(self, foresight: Foresight | None, working: bool) -> None:
        """Be ready to do what is foreseen. working: whether anything is in flight."""
        if self._early or (foresight is self._foresight and working == self._working):
            return
        self.forget()
        if foresight is None:
            return
        orders = foresight.stop(working)
        # To kill takes long, and nobody waits for it.
        gentle = tuple(order for order in orders if not isinstance(order, Kill))
        if gentle and len(gentle) == len(orders):
            steps = tuple(step for order in gentle for step in self._performer.prepared(order))
            self._stop = _Prepared(orders, steps, foresight.is_certain)
        self._working = working
        self._foresight = foresight

    def forget(self) -> None:
        """Do nothing any more, until something is expected again."""
        self._foresight = None
        self._stop = None

    def carried_out(self, number: int, orders: Iterable[Effect], hear_first: bool) -> Early:
        """Take note that this was done for a signal of which the engine is still to be told."""
        early = Early(number, orders, hear_first)
        self._early.append(early)
        return early

    def early_for(self, number: int) -> Early | None:
        """Return what was carried out for this signal, of which the engine is told next."""
        return next((early for early in self._early if early.number == number), None)

    def was_done(self, order: Effect) -> bool:
        """Say whether the engine's order has been carried out already, and count it as given."""
        for early in self._early:
            if order in early.orders:
                early.orders.remove(order)
                return True
        return False

    def told(self, early: Early) -> None:
        """The engine knows of the signal; what it has not ordered by now, it never will."""
        self._early.remove(early)

    def _on_stop(self, number: int) -> bool:
        stop = self._stop
        # Heard is all when the loop sleeps and nothing has come but signals.
        if stop is None or not (stop.is_certain or (self.asleep and len(self._look(0, 2)) == 1)):
            return False
        # Once: to many kinds of workers a second one means to drop everything.
        self._stop = None
        _take(stop.steps)
        self.carried_out(number, stop.orders, stop.is_certain)
        return True

    def _on_other(self, number: int) -> bool:
        foresight = self._foresight
        if foresight is None:
            return False
        orders = foresight.forward(self._forwards[number])
        for order in orders:
            _take(self._performer.prepared(order))
        self.carried_out(number, orders, True)
        return True


def _take(steps: Iterable[Callable[[], object]]) -> None:
    for step in steps:
        try:  # noqa: SIM105 - what `suppress` runs would come before the signal
            step()
        except OSError:
            pass  # nobody there, or not ours to signal: as for the same order in the loop


class _Prepared:
    """The orders that a stop request will bring, and the calls that carry them out."""

    __slots__ = ("is_certain", "orders", "steps")

    def __init__(
        self, orders: tuple[Effect, ...], steps: tuple[Callable[[], object], ...], is_certain: bool
    ) -> None:
        self.orders = orders
        self.steps = steps
        self.is_certain = is_certain
