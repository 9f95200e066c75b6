"""A periodic task of a cron.yaml as a value, and what such a task may not be."""

from __future__ import annotations

from supervisor.config.periodic_message import wrong_path
from supervisor.core.frozen import Frozen
from supervisor.core.problem import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Schedule(Frozen):
    """weekdays: 0 is Sunday. any_day, any_weekday: the field is `*`; with neither, a day that fits one of the two will do."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool


class Task(Frozen):
    """url: a path. written: the schedule as in the file. line: where it begins there."""

    name: str
    url: str
    written: str
    schedule: Schedule
    line: int


def name_problem(name: str) -> tuple[str, str] | None:
    """Say what is wrong with a task's name, and what to do: it becomes an attribute of a message, and a header."""
    if not name or not all(" " <= character <= "~" for character in name):
        return f"has the name {name!r}", "give a name in printable ASCII: it becomes a header"
    return None


def url_problem(url: str) -> tuple[str, str] | None:
    """Say what is wrong with a task's URL, and what to do."""
    wrong = wrong_path(url)
    return (
        None if wrong is None else (f"has the URL `{url}`: {wrong}", "give a path of the app, as in /nightly")
    )


def check_together(tasks: tuple[Task, ...], path: str) -> Iterator[Problem]:
    """Yield what is wrong with tasks that are good for themselves."""
    lines: dict[str, int] = {}
    for task in tasks:
        first = lines.setdefault(task.name, task.line)
        if first != task.line:
            what = f"line {task.line} of {path} has the name `{task.name}`, as line {first} has"
            why = "only the last of them would run, and nobody would be told"
            yield Problem(what, why, "give each task a name of its own")
