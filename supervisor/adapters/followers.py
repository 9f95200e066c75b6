"""Passes on what is announced to the hooks also to others that follow it: probes, and the file that says ready."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.core.effects import Announce, Grant, Refuse
from supervisor.ports import Follows, Hooks


class Followers:
    """Fulfils ports.Hooks. The others hear it first: one of them turns new work away."""

    def __init__(self, hooks: Hooks | None, others: Sequence[Follows]) -> None:
        self._hooks = hooks
        self._others = others

    def announce(self, news: Announce) -> None:
        for other in self._others:
            other.announce(news)
        if self._hooks is not None:
            self._hooks.announce(news)

    def answer(self, order: Grant | Refuse) -> None:
        if self._hooks is not None:
            self._hooks.answer(order)

    def close(self) -> None:
        if self._hooks is not None:
            self._hooks.close()
