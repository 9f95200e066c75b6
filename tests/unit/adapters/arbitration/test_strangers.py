"""Callers that cannot be told apart share a claim that ends when as many have let go as have asked."""

from __future__ import annotations

import pytest

from supervisor.adapters.arbitration.strangers import Shares
from supervisor.core.instants import Instant
from tests.unit.runtime.shell import JumpingClock


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock(100.0)


@pytest.fixture
def shares(clock: JumpingClock) -> Shares:
    return Shares(clock.now)


def test_it_lasts_until_the_last_share_ends(shares: Shares, clock: JumpingClock) -> None:
    """A short claim that comes later shortens nothing."""
    assert shares.seconds_left is None
    shares.add(Instant(160))
    shares.add(Instant(110))
    assert shares.seconds_left == 60
    clock.seconds = 161
    assert shares.seconds_left is None


def test_letting_go_takes_the_share_that_would_end_first(shares: Shares) -> None:
    """Whoever let go, nobody is left with less time than it asked for."""
    for end in (130, 110, 120):
        shares.add(Instant(end))
    shares.take()
    shares.take()
    assert shares.seconds_left == 30
    shares.take()
    shares.take()
    assert shares.seconds_left is None


def test_a_share_can_be_withdrawn(shares: Shares) -> None:
    """Who was refused takes back its own, once."""
    for end in (130, 110):
        shares.add(Instant(end))
    shares.withdraw(Instant(130))
    shares.withdraw(Instant(130))
    assert shares.seconds_left == 10


def test_so_many_shares_that_nobody_counts_any_more(shares: Shares) -> None:
    """Beyond a thousand the latest end still counts, and it takes no more memory."""
    for end in range(2000):
        shares.add(Instant(1000 + end))
    for _ in range(999):
        shares.take()
    assert shares.seconds_left == 1000 + 1999 - 100
    shares.take()
    assert shares.seconds_left is None
