"""Where our module goes in a Dramatiq command."""

from __future__ import annotations

import pytest

from supervisor.config.doors import Door, Opened
from supervisor.config.doors.dramatiq import LIMIT_VARIABLE, MODULE, open_door


def door(*words: str, at: int = 0, arguments: int = 1) -> Opened | str:
    return open_door(Door(words, at, arguments, {}, "/hooks", 7.5))


@pytest.mark.parametrize(
    ("given", "opened"),
    [
        ("app", "app HOOK"),
        ("app other", "app other HOOK"),
        ("app -p 2", "app HOOK -p 2"),
        ("app:broker -p2 -t4", "app:broker HOOK -p2 -t4"),
        ("-p 2 app other", "-p 2 app other HOOK"),
        ("-p2 -v app", "-p2 -v app HOOK"),
        ("-vp 2 app", "-vp 2 app HOOK"),
        ("--processes=2 app", "--processes=2 app HOOK"),
        ("--proc 2 app", "--proc 2 app HOOK"),
        ("--use-spawn app -f a:b", "--use-spawn app HOOK -f a:b"),
        ("--watch . app", "--watch . app HOOK"),
        ("-Q one two -p 2 app", "-Q one two -p 2 app HOOK"),
        ("-Q one two -- app other", "-Q one two -- app other HOOK"),
        ("app -Q one two", "app HOOK -Q one two"),
        ("-- app", "-- app HOOK"),
        ("app -- other", "app HOOK -- other"),
    ],
)
def test_it_goes_behind_the_modules(given: str, opened: str) -> None:
    """Behind those the user named, which stand together, and never where an option would swallow it."""
    words = ("dramatiq", *opened.replace("HOOK", MODULE).split())
    assert door("dramatiq", *given.split()) == Opened(words, {LIMIT_VARIABLE: "7.5"}, f"the module {MODULE}")


@pytest.mark.parametrize("given", ["", "-p 2", "-Q one app", "--"])
def test_without_a_broker_it_stays_closed(given: str) -> None:
    """Dramatiq will refuse such a command; what it says must be about the user's words."""
    assert door("dramatiq", *given.split()) == "the module with the broker was not found in its command"


def test_it_is_not_added_twice() -> None:
    """The user may name it."""
    opened = door("dramatiq", "app", MODULE)
    assert isinstance(opened, Opened)
    assert opened.command == ("dramatiq", "app", MODULE)


def test_a_named_profile_alone_does_not_open_it() -> None:
    """What is not known is not changed."""
    assert door("run.sh", at=-1, arguments=0) == "the dramatiq command is not known"


def test_a_command_that_writes_dramatiqs_own_is_left_alone() -> None:
    """Django's executes Dramatiq with words of its own, so the sitecustomize does it."""
    opened = door("manage.py", "rundramatiq", "-p", "2", arguments=2)
    assert isinstance(opened, Opened)
    assert opened.command == ("manage.py", "rundramatiq", "-p", "2")
    assert opened.how == "sitecustomize, at the import of dramatiq.worker"
