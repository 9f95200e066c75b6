"""The looks of a timeline."""

from __future__ import annotations

import re

from supervisor.render.timeline_style import DEFINITIONS, STYLE


def test_dark_changes_every_colour_that_light_sets() -> None:
    """A rule that is missing in one of the two would leave black on black."""
    light, dark = STYLE.split("@media (prefers-color-scheme: dark)")
    coloured = re.compile(r"^ *(\S.*?) \{ (?:fill|stroke): ", re.MULTILINE)
    assert coloured.findall(light)
    assert coloured.findall(light) == coloured.findall(dark)


def test_every_pattern_that_is_used_is_defined() -> None:
    """A bar whose pattern does not exist would not be drawn."""
    used = set(re.findall(r"url\(#(\w+)\)", STYLE))
    assert used == set(re.findall(r'id="(\w+)"', DEFINITIONS)) == {"killed", "again"}


def test_every_class_of_the_patterns_has_a_colour() -> None:
    """A pattern is drawn by classes too, so that it follows light and dark."""
    for name in re.findall(r'class="([\w-]+)"', DEFINITIONS):
        assert STYLE.count(f".{name} {{") == 2, name
