"""Waiting in an event loop, where whoever waits may be cancelled at any moment."""

from __future__ import annotations

import asyncio

import pytest

from supervisor.hooks._waiting import Waiting


@pytest.mark.parametrize("passes", range(6))
def test_a_cancellation_that_comes_with_a_word_is_not_lost(passes: int) -> None:
    """However many passes of the loop lie between the two."""

    async def story() -> bool:
        waiting = Waiting()
        waiter = asyncio.create_task(waiting.wait_async(lambda: False, 60.0))
        await asyncio.sleep(0)
        waiting.wake_all()
        for _ in range(passes):
            await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.wait({waiter}, timeout=1.0)
        was_cancelled = waiter.cancelled()
        waiter.cancel()
        return was_cancelled

    assert asyncio.run(story())


def test_it_waits_no_longer_than_it_may() -> None:
    """The answer is False then, and True as soon as it has happened."""

    async def story() -> tuple[bool, bool]:
        waiting = Waiting()
        return await waiting.wait_async(lambda: False, 0.01), await waiting.wait_async(lambda: True, 60.0)

    assert asyncio.run(story()) == (False, True)
