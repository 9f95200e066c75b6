"""Texts that must agree with the code, and words that must not be in any of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import supervisor

from .readme import PARTS, written

ROOT = Path(__file__).parents[2]

# Directories that a checkout may have beside what is tracked: caches, builds, environments.
UNTRACKED = re.compile(r"\.git|\.venv|venv|build|dist|.*cache.*|.*\.egg-info|\.hypothesis")

# Put together here, so that this file has none of them.
FOREIGN_PATHS = re.compile("(?<![\\w.}])/(" + "|".join(("work", "root", "home", "farm")) + ")/")
FOREIGN_WORDS = re.compile(
    "|".join(("previous " + "session", r"\bL" + r"LMs?\b", r"\bas an " + "AI" + r"\b", "house" + r"\.md")),
    re.I,
)


def texts(directory: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Yield every text file of the project with its path."""
    for path in sorted(directory.iterdir()):
        if path.is_dir() and not UNTRACKED.fullmatch(path.name):
            yield from texts(path)
        elif path.is_file():
            try:
                yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def test_no_text_names_a_place_where_it_was_written() -> None:
    """Paths of somebody's machine and remarks about how a text came about mean nothing to its reader."""
    found = [
        f"{name}: {match[0]}"
        for name, text in texts()
        for rule in (FOREIGN_PATHS, FOREIGN_WORDS)
        for match in rule.finditer(text)
    ]
    assert found == []


def test_the_rules_about_words_find_what_they_are_for() -> None:
    """A rule that finds nothing anywhere would not be noticed."""
    assert FOREIGN_PATHS.search("see /wo" + "rk/main")
    assert FOREIGN_WORDS.search("in the previous " + "session")
    assert FOREIGN_WORDS.search("an LL" + "M wrote this")
    assert len(dict(texts())) > 50


@pytest.mark.parametrize("name", PARTS)
def test_what_readme_says_of_the_code_is_what_the_code_says(name: str) -> None:
    """Tables and diagrams are printed by the code; `python -m tests.budget.readme` brings README up to date."""
    assert written(name) == PARTS[name]().strip()


def test_the_changelog_has_an_entry_for_this_version() -> None:
    """The version stands in one place, and its changes are told."""
    assert re.search(
        rf"^## {re.escape(supervisor.__version__)}\b",
        (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        re.M,
    )
