"""Figures of a benchmark: many values in, their median and their slow end out, and tables of those for people."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """p99: the value that one in a hundred exceeds; of fewer than a hundred, near the largest."""

    median: float
    p99: float
    n: int


def figure(values: Iterable[float]) -> Figure:
    """Return the figure for at least one value."""
    known = sorted(values)
    p99 = statistics.quantiles(known, n=100, method="inclusive")[-1] if len(known) > 1 else known[0]
    return Figure(statistics.median(known), p99, len(known))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return columns that line up; the first to the left, the others to the right."""
    lines = [tuple(heads), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    first, *others = widths
    return "\n".join(
        "  ".join(
            (name.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, others, strict=True)))
        )
        for name, *cells in lines
    )
