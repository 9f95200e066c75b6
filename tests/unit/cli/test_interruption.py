"""Ctrl-C between two steps."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from supervisor.cli.interruption import Interruption


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_it_takes_effect_where_it_is_looked_for() -> None:
    """The line in which it comes is finished, and so are those that follow, up to the check."""
    done = []
    with Interruption() as interruption:
        interruption.check()
        signal.raise_signal(signal.SIGINT)
        done.append("the step")
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
    assert done == ["the step"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_one_that_is_ignored_stays_ignored() -> None:
    """A command in the background of a script is not interrupted by the Ctrl-C meant for another."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        interruption.check()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
