"""Who waits for an answer or for news, and how many may."""

from __future__ import annotations

from contextlib import suppress

import pytest

from supervisor.adapters.http_api.waiters import MOST_WAITING, Waiters


def test_who_finds_no_room_for_a_thread_does_not_count() -> None:
    """A worker that has used up the limit of processes for a while does not keep everybody from waiting for ever after."""
    waiters = Waiters()

    def refuse(_waiting: int) -> None:
        raise RuntimeError("can't start new thread")

    waiters.crew = refuse
    for _ in range(MOST_WAITING):
        with suppress(RuntimeError), waiters.waiting():
            pytest.fail("it waits without a thread")
    told: list[int] = []
    waiters.crew = told.append
    with waiters.waiting():
        assert told == [1]
