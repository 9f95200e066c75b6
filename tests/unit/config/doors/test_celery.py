"""Celery's -I."""

from __future__ import annotations

import pytest

from supervisor.config.doors import Door, Opened
from supervisor.config.doors.celery import MODULE, VARIABLE, open_door

HOW = f"-I {MODULE}"


def door(text: str, *, program: str = "celery", **environ: str) -> Opened | str:
    command = tuple(text.split())
    at = command.index(program)
    return open_door(Door(command, at, at + 1, environ, "/hooks", 20.0))


@pytest.mark.parametrize(
    ("given", "opened"),
    [
        ("celery worker", f"celery worker -I {MODULE}"),
        ("celery -A app worker -c 2", f"celery -A app worker -I {MODULE} -c 2"),
        ("celery -qA app --broker x worker", f"celery -qA app --broker x worker -I {MODULE}"),
        ("celery -Aapp --config=c worker", f"celery -Aapp --config=c worker -I {MODULE}"),
        ("python -m celery -A app worker", f"python -m celery -A app worker -I {MODULE}"),
        ("python -Xutf8 -m celery -A app worker", f"python -Xutf8 -m celery -A app worker -I {MODULE}"),
        ("celery -q -A app worker -E", f"celery -q -A app worker -I {MODULE} -E"),
        ("celery worker -n worker", f"celery worker -I {MODULE} -n worker"),
        ("celery worker -- worker.x=-I", f"celery worker -I {MODULE} -- worker.x=-I"),
    ],
)
def test_our_module_is_included(given: str, opened: str) -> None:
    """Right behind the sub-command, whatever stands before it."""
    assert door(given) == Opened(tuple(opened.split()), {}, HOW)


@pytest.mark.parametrize(
    ("given", "opened"),
    [
        ("celery worker -I a,b -c 2", f"celery worker -I a,b,{MODULE} -c 2"),
        ("celery worker -Ia", f"celery worker -Ia,{MODULE}"),
        ("celery worker -EI a", f"celery worker -EI a,{MODULE}"),
        ("celery worker -EIa", f"celery worker -EIa,{MODULE}"),
        ("celery worker --include a -l INFO", f"celery worker --include a,{MODULE} -l INFO"),
        ("celery worker --include=a", f"celery worker --include=a,{MODULE}"),
        ("celery worker -I a --include b", f"celery worker -I a --include b,{MODULE}"),
        ("celery worker -l INFO -Q Inbox", f"celery worker -I {MODULE} -l INFO -Q Inbox"),
        ("celery worker -lINFO -QI", f"celery worker -I {MODULE} -lINFO -QI"),
        ("celery worker -Q -I", f"celery worker -I {MODULE} -Q -I"),
        (f"celery worker -I a,{MODULE}", f"celery worker -I a,{MODULE}"),
    ],
)
def test_what_the_user_includes_stays(given: str, opened: str) -> None:
    """Celery takes the last list only; ours is added to it, once."""
    assert door(given) == Opened(tuple(opened.split()), {}, HOW)


def test_the_users_variable_stays() -> None:
    """An option on the command line would hide it."""
    opened = door("celery worker", **{VARIABLE: "a,b"})
    assert opened == Opened(("celery", "worker", "-I", f"a,b,{MODULE}"), {}, HOW)


def test_the_users_variable_is_hidden_where_there_is_an_option() -> None:
    """As it is without us."""
    opened = door("celery worker -I c", **{VARIABLE: "a,b"})
    assert opened == Opened(("celery", "worker", "-I", f"c,{MODULE}"), {}, HOW)


@pytest.mark.parametrize(
    "given",
    [
        "celery",
        "celery -A app",
        "celery -A worker beat",
        "celery multi start worker",
        "celery inspect active",
    ],
)
def test_only_a_worker_is_attached_to(given: str) -> None:
    """What runs no jobs is started as it was given."""
    assert door(given) == "only `celery worker` runs jobs"


@pytest.mark.parametrize(
    "given",
    ["python3 -I -m celery worker", "/usr/bin/python -bEm celery worker", "python -S -m celery worker"],
)
def test_an_isolated_python_is_left_alone(given: str) -> None:
    """It would not find our module, and the worker would not start."""
    assert "isolated" in str(door(given))


def test_only_pythons_own_options_isolate() -> None:
    """Those of a launcher mean something else."""
    assert isinstance(door("uv run -I celery worker"), Opened)


def test_without_the_command_there_is_no_door() -> None:
    """A script that starts Celery somewhere inside has to attach in the app's code."""
    assert open_door(Door(("./start.sh",), -1, 1, {}, "/hooks", 20.0)) == "the celery command is not known"
