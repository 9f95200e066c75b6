from __future__ import annotations

import pytest

from supervisor.config.doors import Door, Opened
from supervisor.config.doors.sidekiq import LIMIT_VARIABLE, open_door

FILE = "/hooks/ruby/ecs_supervisor_sidekiq.rb"


def door(
    *words: str,
    environ: dict[str, str] | None = None,
    folder: str = "/hooks",
    seconds: float = 8.1,
    at: int = 0,
) -> Door:
    return Door(("sidekiq", *words), at, 1, environ or {}, folder, seconds)


def opened(door: Door) -> Opened:
    found = open_door(door)
    assert isinstance(found, Opened)
    return found


def test_every_ruby_of_the_worker_loads_the_hook() -> None:
    """The command stays as it is."""
    found = opened(door("-c", "5"))
    assert found.command == ("sidekiq", "-c", "5")
    assert found.environ["RUBYOPT"] == f"-r{FILE}"
    assert found.how == f"RUBYOPT=-r{FILE}"


def test_options_that_were_there_come_first() -> None:
    """What the user wants to be loaded first still is."""
    assert opened(door(environ={"RUBYOPT": "-W0 --yjit"})).environ["RUBYOPT"] == f"-W0 --yjit -r{FILE}"


def test_a_path_with_a_space_cannot_be_named() -> None:
    """Ruby splits RUBYOPT at every space and knows no quotes."""
    why = open_door(door(folder="/my hooks"))
    assert isinstance(why, str)
    assert "/my hooks" in why


@pytest.mark.parametrize(("seconds", "limit"), [(8.1, "7"), (120.0, "119"), (0.5, "1")])
def test_the_time_limit_leaves_a_second_before_the_kill(seconds: float, limit: str) -> None:
    """In that second Sidekiq pushes unfinished jobs back; it takes whole seconds, and 0 for a mistake."""
    assert opened(door(seconds=seconds)).environ[LIMIT_VARIABLE] == limit


@pytest.mark.parametrize(
    "words", [("-t", "20"), ("-t20",), ("--timeout", "20"), ("--timeout=20",), ("--time=20",)]
)
def test_a_time_limit_in_the_command_stands(words: tuple[str, ...]) -> None:
    """However Ruby's option parser lets one spell it."""
    assert LIMIT_VARIABLE not in opened(door(*words)).environ


def test_where_the_command_is_unknown_the_hook_decides() -> None:
    """With `--profile sidekiq` and a script of one's own, a `-t` among its words may mean anything."""
    assert opened(door("-t", "20", at=-1)).environ[LIMIT_VARIABLE] == "7"
