"""What the sample apps have written down, read back: lines first, then the runs of each job."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Line:
    """at: CLOCK_MONOTONIC, which all processes of a machine share. task: the emulated task's number, as text."""

    at: float
    job: str
    what: str
    task: str
    pid: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Execution:
    """One time that a job ran. ended: None where there is no end: it was cut, or still runs."""

    job: str
    task: str
    pid: int
    started: float
    ended: float | None


def read_lines(file: Path) -> list[Line]:
    """Return what stands in the file, by time; nothing where there is no file yet."""
    try:
        text = file.read_text(errors="replace")
    except FileNotFoundError:
        return []
    lines = (line for each in text.splitlines() if (line := _line(each)) is not None)
    return sorted(lines, key=lambda line: line.at)


def executions(lines: Iterable[Line]) -> list[Execution]:
    """Pair starts with ends: an end belongs to the last open start of that job in that process."""
    open_: dict[tuple[str, str, int], list[Line]] = {}
    found = []
    for line in lines:
        key = (line.job, line.task, line.pid)
        if line.what == "start":
            open_.setdefault(key, []).append(line)
        elif line.what == "end" and open_.get(key):
            begun = open_[key].pop()
            found.append(Execution(line.job, line.task, line.pid, begun.at, line.at))
    cut = [
        Execution(each.job, each.task, each.pid, each.at, None) for left in open_.values() for each in left
    ]
    return sorted(found + cut, key=lambda each: each.started)


def _line(text: str) -> Line | None:
    try:
        read = json.loads(text)
        return Line(
            float(read["t"]),
            str(read["job"]),
            str(read["what"]),
            str(read["task"]),
            int(read["pid"]),
            int(read.get("attempt", 1)),
        )
    except (ValueError, KeyError, TypeError):
        return None
