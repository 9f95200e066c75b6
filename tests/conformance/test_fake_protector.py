"""What the fake protector can do beyond the contract: wait, and be in trouble for long."""

from __future__ import annotations

import pytest

from supervisor.core.events import (
    ProtectionGranted,
    ProtectionRefused,
)
from supervisor.core.names import Attempt
from tests.conformance.fake_protector import Trouble
from tests.conformance.protector_arena import (
    AMPLE_SECONDS,
    Threads,
    fake_arena,
    protect,
)
from tests.waiting import until


@pytest.fixture
def threads() -> Threads:
    return Threads()


def test_the_fake_can_keep_answers_back(threads: Threads) -> None:
    """An answer that is withheld comes when it is let go, while the order has been carried out before."""
    with fake_arena(AMPLE_SECONDS, threads) as arena:
        arena.protector.start(arena.answers.take)
        arena.protector.withhold()
        arena.protector.submit(protect(1))
        until(arena.is_protected, why="the order is carried out")
        assert arena.protector.orders == [protect(1)]
        assert arena.answers.threads == set()
        arena.protector.let_go()
        assert arena.answers.wait_for(1) == [ProtectionGranted(Attempt(1), 3600.0)]
        arena.protector.close()
        until(threads.all_ended, why="the thread ends")


def test_the_fake_can_be_in_trouble_for_long(threads: Threads) -> None:
    """A lasting trouble meets every order until it is taken back; a single one goes before it."""
    with fake_arena(AMPLE_SECONDS, threads) as arena:
        arena.protector.start(arena.answers.take)
        arena.protector.always(Trouble.BLOCKED)
        arena.protector.next(Trouble.THROTTLED)
        for attempt in (1, 2, 3):
            arena.protector.submit(protect(attempt))
        told = [answer.code for answer in arena.answers.wait_for(3) if isinstance(answer, ProtectionRefused)]
        assert told == ["ThrottlingException", "DEPLOYMENT_BLOCKED", "DEPLOYMENT_BLOCKED"]
        arena.protector.always(None)
        arena.protector.submit(protect(4))
        assert isinstance(arena.answers.wait_for(4)[-1], ProtectionGranted)
        arena.protector.close()
        until(threads.all_ended, why="the thread ends")
