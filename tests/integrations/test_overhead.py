"""The measurement of what hooks cost works; what it finds is not asserted, because that depends on the machine."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.integrations.frameworks.plain import CONFIGURATIONS
from tests.overhead import rounds
from tests.overhead.__main__ import main
from tests.overhead.rounds import Effort, Overhead, rates_meanwhile


@pytest.mark.parametrize("more", [[], ["--protected"]], ids=["bursts", "protected"])
def test_a_configuration_is_measured_in_rounds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    """Rates of every round of every pair, both ways, in the table and in the file."""
    file = tmp_path / "rates.json"
    words = [*"--only plain --pairs 2 --rounds 1 --seconds 0.1 --seed 1 --json".split(), str(file), *more]
    assert main(words) == 0
    [read] = json.loads(file.read_text())
    assert [len(rates) for rates in (*read["with_hook"], *read["without"])] == [1] * 4
    # The program speaks to its hooks by itself; there is nothing to attach.
    assert "not attached" in capsys.readouterr().out


def test_pairs_are_measured_until_that_is_exact_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As few as there have to be, as many as there may be, and in between as it takes; never by the cost."""
    found: list[float] = []

    def measure_pair(*_: object) -> Overhead:
        # The nearer to each other, the longer it goes on.
        found.append(0.5 + 0.1 * (-1) ** len(found) / (len(found) + 1))
        return Overhead("made-up", [[1 - found[-1]]], [[1.0]], attached=True, cpu={})

    monkeypatch.setattr(rounds, "_measure_pair", measure_pair)
    for doubt, count in ((1.0, 3), (0.0, 9), (0.03, 5)):
        found.clear()
        effort = Effort((3, 9), rounds=1, seconds=0.0, doubt=doubt)
        measured = rounds.measure(CONFIGURATIONS[0], tmp_path, effort, random.Random(1))
        assert (len(found), len(measured.costs)) == (count, count)


def test_the_cost_is_that_of_the_median_pair() -> None:
    """One pair in which the machine was away does not count, however many rounds it had; the spread tells of it."""
    ours, theirs = [[98.0], [99.0], [50.0, 51.0, 52.0]], [[100.0], [100.0], [100.0] * 3]
    measured = Overhead("made-up", ours, theirs, attached=True, cpu={})
    assert measured.costs == [pytest.approx(cost) for cost in (0.02, 0.01, 0.49)]
    assert measured.cost == pytest.approx(0.02)
    low, high = measured.spread
    assert (low, high) == (pytest.approx(0.015), pytest.approx(0.255))


def test_a_rate_is_that_of_the_time_in_which_both_have_work() -> None:
    """Who is done later had the machine for himself at last, and who began first at first."""
    ours, theirs = [0.0, 0.1, 1.0, 2.0, 3.0, 4.0, 4.1, 4.2], [0.9, 1.9, 2.9, 3.9]
    assert rates_meanwhile([ours, theirs]) == [pytest.approx(1.0)] * 2
    with pytest.raises(AssertionError, match="not at work at the same time"):
        rates_meanwhile([[1.0, 2.0], [2.5, 3.0]])
