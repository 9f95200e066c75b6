"""Two distributions that share one package."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.cli.package_clash import package_clash


def test_without_the_other_distribution_there_is_no_clash() -> None:
    """Ours is called ecs-supervisor."""
    assert package_clash() is None


def test_the_other_distribution_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """supervisord's is called supervisor, as the package is."""
    record = tmp_path / "supervisor-4.3.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: supervisor\nVersion: 4.3.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    clash = package_clash()
    assert clash is not None
    assert clash.startswith("The distribution supervisor 4.3.0 (supervisord) is installed in the same")
    assert clash.endswith("install them in separate environments.")
