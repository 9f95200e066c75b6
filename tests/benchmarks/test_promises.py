"""The verdicts: medians against ratios and bounds."""

from __future__ import annotations

import pytest

from tests.benchmarks.figures import Figure, figure, table
from tests.benchmarks.preparation import ENTRY, PY_MIN, TINI
from tests.benchmarks.promises import Verdict, verdicts


def verdict(what: str, **measured: dict[str, float]) -> Verdict:
    """Return the verdict on the promise that begins so; measured: medians by wrapper."""
    names = {"ours": ENTRY, "tini": TINI, "py_min": PY_MIN}
    figures = {
        names[name]: {metric: Figure(value, value, 1) for metric, value in metrics.items()}
        for name, metrics in measured.items()
    }
    (found,) = (each for each in verdicts(figures) if each.promise.startswith(what))
    return found


@pytest.mark.parametrize(("ours", "met"), [(250.0, True), (251.0, False)])
def test_a_ratio_is_kept_up_to_its_bound(ours: float, met: bool) -> None:
    """2.5 times tini's time is still kept, a little more is not."""
    found = verdict("first SIGTERM to the worker", ours={"term_us": ours}, tini={"term_us": 100.0})
    assert found.met is met
    assert "tini" in found.promise


@pytest.mark.parametrize(("ours", "met"), [(16.0, True), (16.1, False)])
def test_a_bound_is_kept_up_to_its_value(ours: float, met: bool) -> None:
    """What needs no other wrapper is judged alone."""
    assert verdict("memory off ECS", ours={"rss_mib": ours}).met is met


@pytest.mark.parametrize(("ours", "met"), [(0.0, True), (0.1, False)])
def test_nothing_may_be_compared_with_nothing(ours: float, met: bool) -> None:
    """Where the other takes no time at all, only no time is as good, and there is no ratio to print."""
    metric = "idle_cpu_ms_in_20_s"
    found = verdict("idle processor time", ours={metric: ours}, tini={metric: 0.0})
    assert (found.met, "no ratio" in found.figures) == (met, True)


def test_what_was_not_measured_is_neither_kept_nor_broken() -> None:
    """A machine without tini has no verdict on what is compared with tini."""
    assert verdict("first SIGTERM to the worker", ours={"term_us": 1.0}).met is None
    assert verdict("start to the worker's", py_min={"start_ms": 1.0}).met is None


def test_a_figure_is_the_median_and_the_slow_end() -> None:
    """One value is its own slow end; of many it is near the largest."""
    assert figure([3.0]) == Figure(3.0, 3.0, 1)
    assert figure([*range(1, 102)]) == Figure(51, 100, 101)


def test_columns_line_up() -> None:
    """Names stand left, numbers right."""
    assert table(("", "ms"), [("tini", "1"), ("a", "23.4")]).splitlines() == [
        "        ms",
        "tini     1",
        "a     23.4",
    ]
