"""Twenty-nine things that an init with a deadline must do, measured of other inits too; one test is named after each.

`python -m pytest tests/process -k check -q` runs these and no others, and says how many of the 29 hold.
"""

from __future__ import annotations

import ast
from pathlib import Path

CHECKS = (
    "exits-with-child",
    "sigterm-forwarded",
    "exit-codes",
    "signal-deaths",
    "forward-signals",
    "reap-orphans-pid1",
    "code-despite-orphans",
    "deadline-kill",
    "deadline-kill-pid1",
    "deadline-nothing-left",
    "natural-exit-leaves",
    "term-exit-leaves",
    "storm",
    "startup-sigterm",
    "stdio-bytes",
    "stdin",
    "exit-despite-held-pipe",
    "stalled-log-pipe",
    "broken-log-pipe",
    "tty",
    "argv-bytes",
    "env-cwd-umask",
    "clean-signals",
    "no-fd-leak",
    "bad-command",
    "drain-waited",
    "drain-code",
    "non-root",
    "read-only-root",
)


def test_every_one_has_its_test() -> None:
    """Each name has exactly one test, and `-k` with the word finds no test besides."""
    named = [
        node.name
        for file in sorted(Path(__file__).parent.glob("test_*.py"))
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        # What the word is looked for in: the names of file and test.
        if "check" in f"{file.name} {node.name}"
    ]
    assert sorted(named) == sorted(f"test_check_{check.replace('-', '_')}" for check in CHECKS)
