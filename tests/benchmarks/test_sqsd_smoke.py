"""The benchmark of `sqsd` works: what it finds is not asserted, because that depends on what else the machine does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.sqsd import OURS, PEER, Measured, install_peer, measure, report


@pytest.mark.timeout(60)
def test_a_daemon_is_measured() -> None:
    """All of its messages come through, and every figure is there."""
    measured = measure(2, 150, None)
    assert min(measured.rate, measured.cpu_ms, measured.rss_mib, measured.other_cpu_ms) > 0


def test_the_report_compares_within_rounds() -> None:
    """Ratios are of pairs, because a machine's speed drifts."""
    ours, peer = Measured(100, 2.0, 60, 0.5), Measured(50, 4.0, 90, 0.5)
    text = report({10: [{OURS: ours, PEER: peer}]})
    [line] = [each for each in text.splitlines() if each.startswith(OURS)]
    assert line.split()[-2:] == ["2.00", "0.50"]
    assert "2.00" not in report({10: [{OURS: Measured(100, 1.0, 60, 0.5)}]})


def test_a_peer_that_cannot_be_had_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without npm, or without the package, ours is measured alone."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install_peer(tmp_path) is None
