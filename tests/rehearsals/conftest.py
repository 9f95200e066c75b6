"""What `sqsd` is rehearsed with."""

from __future__ import annotations

import pytest

from tests.rehearsals.deliveries import AWS
from tests.sqs.conftest import moto_url as moto_url


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give botocore something to sign with, and nothing of this machine's."""
    for name, text in AWS.items():
        monkeypatch.setenv(name, text)
