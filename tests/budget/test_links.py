"""What our texts point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .test_texts import texts

ROOT = Path(__file__).parents[2]

LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def anchors(text: str) -> set[str]:
    """Return the headings of a text as forges make anchors of them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", [name for name, _ in texts() if name.endswith(".md")])
def test_links_within_the_project_lead_somewhere(name: str) -> None:
    """A heading or a file that is renamed takes the links to it along."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for path, anchor in LINK.findall(text):
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), f"{name} points to {path}"
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{name} points to {path}#{anchor}"


def test_links_are_found() -> None:
    """A rule that finds none would not be noticed."""
    assert LINK.findall("[a](b.md#c-d) [e](#f) [g](h/) [i](https://j)") == [
        ("b.md", "c-d"),
        ("", "f"),
        ("h/", ""),
    ]
    assert anchors("# From X: `y`\n```\n# no\n```\n## Two words") == {"from-x-y", "two-words"}
