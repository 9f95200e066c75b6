"""gunicorn's own time limit."""

from __future__ import annotations

import pytest

from supervisor.config.doors import Door, Opened
from supervisor.config.doors.gunicorn import VARIABLE, open_door


def door(*words: str, environ: dict[str, str] | None = None, seconds: float = 21.6) -> Opened | str:
    return open_door(Door(("gunicorn", *words), 0, 1, environ or {}, "/hooks", seconds))


def test_its_limit_ends_before_ours() -> None:
    """Requests that take longer are cut by gunicorn, which then exits by itself."""
    opened = door("app")
    assert opened == Opened(("gunicorn", "app"), {VARIABLE: "--graceful-timeout 20"}, "graceful timeout 20 s")


def test_what_the_variable_has_is_kept() -> None:
    """Other options in it still count."""
    opened = door("app", environ={VARIABLE: "--workers 3"})
    assert isinstance(opened, Opened)
    assert opened.environ == {VARIABLE: "--workers 3 --graceful-timeout 20"}


@pytest.mark.parametrize(
    ("words", "environ"),
    [
        (("--graceful-timeout", "5"), {}),
        (("--graceful-timeout=5",), {}),
        ((), {VARIABLE: "--graceful-timeout 5"}),
    ],
)
def test_the_users_limit_is_left_alone(words: tuple[str, ...], environ: dict[str, str]) -> None:
    """It is told what would be the most."""
    assert (
        door(*words, environ=environ)
        == "its own --graceful-timeout is 5 s; 20 s is the most that ends before SIGKILL"
    )


@pytest.mark.parametrize("words", [("-c", "conf.py"), ("--config=python:conf",)])
def test_a_config_file_is_left_alone(words: tuple[str, ...]) -> None:
    """It may set the limit, and the variable would go before it."""
    assert "config file" in str(door(*words, "app"))


def test_there_is_always_a_second() -> None:
    """However short the stop timeout is."""
    opened = door("app", seconds=0.5)
    assert isinstance(opened, Opened)
    assert opened.environ == {VARIABLE: "--graceful-timeout 1"}
