"""uvicorn's own time limit."""

from __future__ import annotations

import pytest

from supervisor.config.doors import Door, Opened
from supervisor.config.doors.uvicorn import VARIABLE, open_door


def door(*words: str, environ: dict[str, str] | None = None, seconds: float = 21.6) -> Opened | str:
    return open_door(Door(("uvicorn", *words), 0, 1, environ or {}, "/hooks", seconds))


def test_its_limit_ends_before_ours() -> None:
    """Requests that take longer are cancelled by uvicorn, which then exits by itself."""
    assert door("app:app") == Opened(("uvicorn", "app:app"), {VARIABLE: "20"}, "graceful timeout 20 s")


@pytest.mark.parametrize(
    ("words", "environ"),
    [
        (("--timeout-graceful-shutdown", "5"), {}),
        (("--timeout-graceful-shutdown=5",), {}),
        ((), {VARIABLE: "5"}),
    ],
)
def test_the_users_limit_is_left_alone(words: tuple[str, ...], environ: dict[str, str]) -> None:
    """It is told what would be the most."""
    assert str(door(*words, environ=environ)).startswith(
        "its own --timeout-graceful-shutdown is 5 s; 20 s is"
    )


def test_there_is_always_a_second() -> None:
    """However short the stop timeout is."""
    opened = door("app:app", seconds=0.5)
    assert isinstance(opened, Opened)
    assert opened.environ == {VARIABLE: "1"}
