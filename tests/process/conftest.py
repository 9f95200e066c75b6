"""What process tests share: the command as an installed user has it, and a way to start it."""

from __future__ import annotations

from functools import partial

import pytest

from tests.process.harness import Start, supervised
from tests.process.installed import Installation


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the path of the installed `ecs-supervisor`."""
    return str(Installation(tmp_path_factory.mktemp("installed") / "environment").command)


@pytest.fixture
def start(command: str) -> Start:
    """Return `supervised`, with the installed command in place of the checkout's."""
    return partial(supervised, entry=(command,))
