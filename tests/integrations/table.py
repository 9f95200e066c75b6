"""The table of `python -m tests.integrations`: a line a configuration, bare / supervised in each cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.benchmarks.figures import table
from tests.integrations.verdict import Verdict

Pair = tuple[Verdict | None, Verdict]

HEADS = (
    "bare / supervised",
    "stops",
    "jobs",
    "lost",
    "twice",
    "cut",
    "later",
    "late starts",
    "met",
    "killed",
    "slowest s",
)

LEGEND = """\
lost: never ended, and in no place from which it will run again. twice: begun again although it ended; in brackets those
whose cause no log names. cut: begun and not ended (it ran again, unless it is lost as well). later: comes back by itself,
but not at once. late starts: begun after the quiet was confirmed. met: running when the scheduler stopped its task, which
protection is to prevent. killed: containers that were still there when the stop timeout had passed."""


def pairs_table(pairs: Iterable[Pair]) -> str:
    """Return the table for people."""
    return table(HEADS, [_row(*pair) for pair in pairs])


def details(verdict: Verdict) -> list[str]:
    """Return a line for everything that was found in a supervised run and should not have been."""
    found: dict[str, Sequence[str]] = {
        "lost": verdict.lost,
        "run twice for no cause that is named": verdict.unnamed,
        "begun after the confirmed quiet": verdict.late,
        "met by the scheduler": verdict.met,
        "tasks that were killed": verdict.killed,
        "tasks that exited by themselves": verdict.died,
        "tasks whose quiet was not confirmed": verdict.unconfirmed,
        "tasks whose jobs ran without a hook": verdict.unhooked,
        "defects": verdict.defects,
    }
    lines = [f"{what}: {', '.join(which)}" for what, which in found.items() if which]
    if verdict.left.get("queue"):
        lines.append(f"nobody took the {verdict.left['queue']} jobs that were left in the queue")
    return [f"{verdict.configuration}: {line}" for line in lines]


def _row(bare: Verdict | None, ours: Verdict) -> tuple[str, ...]:
    def cell(number: str) -> str:
        return f"{'-' if bare is None else _numbers(bare)[number]} / {_numbers(ours)[number]}"

    return (ours.configuration, *map(cell, HEADS[1:]))


def _numbers(verdict: Verdict) -> dict[str, str]:
    unnamed = f" ({len(verdict.unnamed)})" if verdict.unnamed else ""
    return {
        "stops": str(verdict.stops),
        "jobs": str(verdict.jobs),
        "lost": str(len(verdict.lost)),
        "twice": f"{len(verdict.twice)}{unnamed}",
        "cut": str(len(verdict.cut)),
        "later": str(sum(count for place, count in verdict.left.items() if place != "queue")),
        # A bare worker confirms nothing.
        "late starts": str(len(verdict.late)) if verdict.attached else "-",
        "met": str(len(verdict.met)) if verdict.holds else "-",
        "killed": str(len(verdict.killed)),
        "slowest s": f"{verdict.slowest:.1f}",
    }
