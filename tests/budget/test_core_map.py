"""The map at the head of the core is where a newcomer begins, so it has to be true."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import supervisor.core

CORE = Path(supervisor.core.__file__).parent
TOLD = supervisor.core.__doc__ or ""

NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


def test_the_map_names_every_module() -> None:
    """And none that is not there: `name.py` is a file, `name/` is a folder."""
    there = {path.name for path in CORE.glob("[!_]*.py")}
    there |= {f"{path.parent.name}/" for path in CORE.glob("*/__init__.py")}
    named = re.findall(r"(?<![/\w])([a-z_]+(?:\.py|/))(?!\w)", TOLD)
    assert set(named) - {"tests/"} == there


def test_the_rules_count_the_machines() -> None:
    """A machine is what has a table of legal moves."""
    modules = [f"supervisor.core.{path.stem}" for path in CORE.iterdir() if not path.name.startswith("_")]
    machines = [name for name in modules if hasattr(import_module(name), "EDGES")]
    assert f"  4. {NUMBERS[len(machines)]} things have a life;" in TOLD
