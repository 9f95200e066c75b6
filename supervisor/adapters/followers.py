"""Passes on what is announced to all who want to hear it: probes and the file that says ready, then hooks and the API."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.core.effects import Announce, Grant, Refuse
from supervisor.ports import Follows, Hooks


class Followers:
    """Fulfils ports.Hooks for several. The others hear it first: one of them turns new work away.

    An answer goes to all hooks, and each knows which of them are its own.
    """

    def __init__(self, hooks: Sequence[Hooks], others: Sequence[Follows]) -> None:
        self._hooks = hooks
        self._others = others

    def announce(self, news: Announce) -> None:
        for other in self._others:
            other.announce(news)
        for each in self._hooks:
            each.announce(news)

    def answer(self, order: Grant | Refuse) -> None:
        for each in self._hooks:
            each.answer(order)

    def close(self) -> None:
        for each in (*self._hooks, *self._others):
            each.close()
