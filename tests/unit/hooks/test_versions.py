"""Versions that a hook was tested with, and others."""

from __future__ import annotations

import pytest

from supervisor.hooks import _attach
from supervisor.hooks._versions import note_version


@pytest.mark.parametrize("version", ["1.2", "1.2.9", "1.10.0rc1", "2.0", "2.1.dev3"])
def test_a_tested_version_is_not_worth_a_word(
    version: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """From the oldest to below the first that was not tested, whatever stands behind the second number."""
    monkeypatch.setattr(_attach, "_warned", set())
    note_version("Any", version, ("1.2", "2.2"))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("version", ["1.1.9", "2.2", "2.2.0", "3", "0.9"])
def test_another_one_is_named_once(
    version: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It attaches all the same, if all that it needs is there."""
    monkeypatch.setattr(_attach, "_warned", set())
    for _ in range(2):
        note_version("Any", version, ("1.2", "2.2"))
    said = capfd.readouterr().err
    assert said.startswith(
        f"ecs-supervisor: the hook for Any was tested from 1.2 to below 2.2, and this is {version}:"
    )
    assert said.count("\n") == 1


def test_an_unknown_version_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """What it needs is looked for anyway."""
    note_version("Any", "", ("1.2", "2.2"))
    assert capfd.readouterr().err == ""
