"""Dates are written as the agent writes them."""

from __future__ import annotations

import pytest

from supervisor.adapters.arbitration.answers import rfc3339


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1.5, "1970-01-01T00:00:01.5Z"),
        (8.13, "1970-01-01T00:00:08.13Z"),
        (1_900_000_000.947, "2030-03-17T17:46:40.947Z"),
        (59.9996, "1970-01-01T00:01:00Z"),
    ],
)
def test_a_date_has_as_many_digits_as_it_needs(at: float, text: str) -> None:
    """Milliseconds, without zeros at the end."""
    assert rfc3339(at) == text
