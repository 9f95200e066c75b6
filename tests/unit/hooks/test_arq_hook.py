"""What the hook for arq does where it does not fit; what it does where it fits is tested with the real thing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from supervisor.hooks import _attach
from supervisor.hooks import arq as hook


@pytest.fixture(autouse=True)
def nothing_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_attach, "_warned", set())


def test_a_version_without_what_it_needs_is_left_alone(capfd: pytest.CaptureFixture[str]) -> None:
    """One line, however often it is tried, and no attribute is touched."""
    worker = type("Worker", (), {"main": lambda self: None, "run_job": lambda self: None})
    module = SimpleNamespace(Worker=worker, in_progress_key_prefix="arq:in-progress:")
    before = dict(vars(worker))
    for _ in range(2):
        hook._patch(module)
    said = capfd.readouterr().err
    assert (
        said
        == "ecs-supervisor: this version of arq is not known to its hook; the worker runs as without it\n"
    )
    assert vars(worker) == before


def test_a_module_that_is_another_is_left_alone(capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing of it is there."""
    hook._patch(SimpleNamespace())
    assert capfd.readouterr().err.count("\n") == 1


def test_the_range_that_was_tested_is_in_order() -> None:
    """The oldest tested, and the first that is not."""
    oldest, first_untested = (tuple(map(int, each.split("."))) for each in hook.SUPPORTED)
    assert oldest < first_untested
