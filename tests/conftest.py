"""How thorough a run is, in which order its tests start, and what all of them rely on in the process that runs them."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

# Who runs the tests in the background of a script, or with nohup, has them ignore these, and every process that they start inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
for _number in (signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)

# No deadline for one example, because machines pause.
settings.register_profile("working", deadline=None, max_examples=100)
# For --hypothesis-profile=thorough: see tests/thoroughness.py.
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile("working")


def pytest_configure(config: pytest.Config) -> None:
    # Otherwise files would be handed out by the number of their tests, and the slowest have few.
    config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the files, start those that last: the last to end would keep all others waiting."""
    if hasattr(config, "workerinput"):
        patience = Counter[Path]()
        for item in items:
            patience[item.path] += _patience(item)
        items.sort(key=lambda item: patience[item.path], reverse=True)


def _patience(item: pytest.Item) -> int:
    """Return the seconds that a test may take, or how long it seems where it does not say: unit tests take none."""
    limit = item.get_closest_marker("timeout")
    return int(limit.args[0]) if limit else int("unit" not in item.path.parts)
