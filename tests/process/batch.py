"""Runs many short-lived supervisors, two at a time: what is asked of each is its end."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

# As many as a small machine has processors.
AT_ONCE = 2

# How long one of them may hang before its test fails.
LIMIT_SECONDS = 30


def results(commands: Iterable[Sequence[str]]) -> list[subprocess.CompletedProcess[str]]:
    """Return what became of each command, in their order."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(_result, commands))


def statuses(commands: Iterable[Sequence[str]]) -> list[int]:
    """Return the exit status of each command, in their order."""
    return [result.returncode for result in results(commands)]


def _result(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=LIMIT_SECONDS,
    )
