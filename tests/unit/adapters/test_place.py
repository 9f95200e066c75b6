"""What is seen of the place where we run, where little is to be seen."""

from __future__ import annotations

import sysconfig
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from supervisor.adapters import place


def test_modules_count_as_compiled_by_their_bytecode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of this very interpreter's kind, and beside them."""
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: str(tmp_path))
    for name in ("a.py", "b.py", "c.txt"):
        (tmp_path / name).touch()
    cached = Path(cache_from_source(str(tmp_path / "a.py")))
    cached.parent.mkdir(parents=True)
    cached.touch()
    assert place.compiled_library() == (1, 2)


def test_a_library_in_no_directory_has_no_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an archive."""
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: str(tmp_path / "python.zip"))
    assert place.compiled_library() == (0, 0)
