"""The mark of the long rehearsal, so that somebody in a hurry can leave it out by name; and what `sqsd` is rehearsed with."""

from __future__ import annotations

import pytest

from tests.rehearsals.deliveries import AWS
from tests.sqs.conftest import moto_url as moto_url


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: takes a minute of real time")


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give botocore something to sign with, and nothing of this machine's."""
    for name, text in AWS.items():
        monkeypatch.setenv(name, text)
