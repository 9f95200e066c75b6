"""Registers the mark of the long rehearsal, so that somebody in a hurry can leave it out by name."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: takes a minute of real time")
