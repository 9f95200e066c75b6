"""The agent's rate limit."""

from __future__ import annotations

from supervisor.emulator.limiter import Limiter


def test_sixty_pass_at_once_and_forty_a_second_after() -> None:
    """The bucket holds 60 and gains 40 each second."""
    limiter = Limiter()
    assert sum(limiter.allows("a", "/x", 0.0) for _ in range(100)) == 60
    assert sum(limiter.allows("a", "/x", 1.0) for _ in range(100)) == 40
    assert sum(limiter.allows("a", "/x", 100.0) for _ in range(100)) == 60


def test_paths_and_clients_have_their_own_buckets() -> None:
    """One path running dry does not touch another, nor another client."""
    limiter = Limiter()
    for _ in range(60):
        limiter.allows("a", "/x", 0.0)
    assert not limiter.allows("a", "/x", 0.0)
    assert limiter.allows("a", "/y", 0.0)
    assert limiter.allows("b", "/x", 0.0)
