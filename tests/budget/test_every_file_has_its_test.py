"""The pure packages are tested module by module."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = ("config", "core", "lint", "render")

MODULES = [path for package in PURE for path in sorted((ROOT / "supervisor" / package).rglob("*.py"))]
TESTS = [path for package in PURE for path in sorted((ROOT / "tests/unit" / package).rglob("test_*.py"))]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def has_behaviour(path: Path) -> bool:
    """Say whether a module does anything; constants, types and plain values are tested by whoever uses them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(node, (ast.FunctionDef, ast.Lambda)) for node in ast.walk(tree))


def places_of_tests(module: Path) -> list[Path]:
    """Return where its test may be: one for the module, or one for the machine that it is a part of."""
    inside = module.relative_to(ROOT / "supervisor").with_suffix("")
    tests = ROOT / "tests/unit" / inside.parent
    parts = [tests / f"test_{inside.name}.py"]
    if len(inside.parts) > 2:
        parts.append(tests.with_name(f"test_{tests.name}.py"))
    return parts


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_a_module_with_behaviour_has_a_test_file(module: Path) -> None:
    """What it does is stated in a file of the same name."""
    tests = places_of_tests(module)
    assert any(test.exists() for test in tests) or not has_behaviour(module), f"there is no {name(tests[0])}"


@pytest.mark.parametrize("test", TESTS, ids=name)
def test_a_test_file_has_its_module(test: Path) -> None:
    """A module that was renamed or removed takes its test with it."""
    inside = test.relative_to(ROOT / "tests/unit").with_name(test.stem.removeprefix("test_"))
    module = ROOT / "supervisor" / inside
    assert module.is_dir() or module.with_suffix(".py").exists(), f"there is no {name(module)}"


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=name)
def test_every_test_states_a_fact(path: Path) -> None:
    """Each test function has a docstring, so that a failure says what is not true any more."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    tests = [node for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    assert [
        test.name for test in tests if test.name.startswith("test_") and not ast.get_docstring(test)
    ] == []
