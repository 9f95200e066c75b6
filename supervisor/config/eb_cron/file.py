"""Reads a cron.yaml: a version, and a list of periodic tasks with a name, a URL and a schedule each.

A reader of our own, and no YAML library: the file has one shape, of which everything else is a mistake that has to be told
with its line and not read in some way or other; and whoever runs `sqsd` would carry a library for three lines of text.
What YAML can do beyond this shape (anchors, blocks, flows, several documents) is refused. Whatever is read here, YAML
reads alike.
"""

from __future__ import annotations

from supervisor.core.frozen import Frozen
from supervisor.core.problem import Problem

from .fields import parse_schedule
from .tasks import Task, check_together, name_problem, url_problem

_VERSION = "1"

_KEYS = ("name", "url", "schedule")

# At the beginning of a plain text they mean something to YAML.
_INDICATORS = frozenset("*&!|>%@`[]{},#?-:\"'")

_NOTHING = frozenset(("", "~", "null", "Null", "NULL"))

_SHAPE = "write it as `version: 1`, `cron:`, and below that `- name: ...`, `url: ...`, `schedule: ...` for each task"


class Line(Frozen):
    """number: from 1. indent: of its key, behind a dash. text: the value as written."""

    number: int
    indent: int
    dash: int | None
    key: str
    text: str


def read_cron(text: str, path: str) -> tuple[tuple[Task, ...], tuple[Problem, ...]]:
    """Return the tasks in their order, and all that is wrong; the tasks are good only without problems."""
    file = _File(path)
    items = _items(file, [line for line in _lines(file, text) if line is not None])
    tasks = tuple(task for item in items if (task := _task(file, item)) is not None)
    for problem in check_together(tasks, path):
        file.problems.append(problem)
    return tasks, tuple(file.problems)


class _File:
    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def refuse(self, number: int, what: str, fix: str = _SHAPE) -> None:
        where = f"line {number} of {self.path} {what}"
        self.problems.append(Problem(where, "its tasks would not run as they are meant to", fix))


def _lines(file: _File, text: str) -> list[Line | None]:
    rows = text.removeprefix("\ufeff").split("\n")
    found: list[Line | None] = []
    for number, row in enumerate(rows, 1):
        row = row.removesuffix("\r")
        bare = row.strip()
        is_start = bare == "---" and not any(found)
        if not bare or bare.startswith("#") or is_start:
            continue
        found.append(_line(file, number, row))
    return found


def _line(file: _File, number: int, row: str) -> Line | None:
    content = row.lstrip(" ")
    indent = len(row) - len(content)
    dash = None
    if content.startswith("- "):
        dash, rest = indent, content[1:].lstrip(" ")
        indent, content = len(row) - len(rest), rest
    key, colon, value = content.partition(":")
    if "\t" in row:
        file.refuse(number, "has a tab", "use spaces: YAML allows tabs in few places")
    elif not colon or (value and not value.startswith(" ")) or not key.isidentifier():
        file.refuse(number, f"is `{row.strip()}`")
    else:
        return Line(number, indent, dash, key, value.strip())
    return None


def _items(file: _File, lines: list[Line]) -> list[list[Line]]:
    """Return the lines of each task; check what is around them."""
    tops = {line.key: line for line in lines if line.indent == 0 and line.dash is None}
    version, cron = tops.get("version"), tops.get("cron")
    if version is None or _plain(version.text) != _VERSION:
        number = version.number if version is not None else 1
        file.refuse(number, "does not say `version: 1`")
    if cron is None or _plain(cron.text):
        file.refuse(cron.number if cron is not None else 1, "does not begin a list with `cron:`")
    items: list[list[Line]] = []
    seen: set[str] = set()
    inside = False
    for line in lines:
        if line.indent == 0 and line.dash is None:
            inside = line.key == "cron"
            if line.key not in ("version", "cron") or line.key in seen:
                file.refuse(line.number, f"has the key `{line.key}`" + (" again" if line.key in seen else ""))
            seen.add(line.key)
        elif not inside:
            file.refuse(line.number, "belongs to no list")
        elif line.dash is not None:
            if items and line.dash != items[0][0].dash:
                file.refuse(line.number, "is indented otherwise than the tasks before it")
            items.append([line])
        elif not items or line.indent != items[-1][0].indent:
            file.refuse(line.number, "is indented otherwise than the lines before it")
        else:
            items[-1].append(line)
    if not items and not file.problems:
        file.refuse(1, "begins a file without tasks")
    return items


def _task(file: _File, item: list[Line]) -> Task | None:
    """Return the task; None where anything is wrong with it, and then each of its values was looked at all the same."""
    before = len(file.problems)
    values = _values(file, item)
    number = item[0].number
    missing = [key for key in _KEYS if not any(line.key == key for line in item)]
    if missing:
        file.refuse(number, f"begins a task without {' and '.join(missing)}")
    for key, problem_of in (("name", name_problem), ("url", url_problem)):
        if key in values and (problem := problem_of(values[key][1])) is not None:
            file.refuse(values[key][0], *problem)
    schedule = None
    if "schedule" in values:
        at, written = values["schedule"]
        schedule, wrong = parse_schedule(written)
        for what, fix in wrong:
            file.refuse(at, what, fix)
    if schedule is None or len(file.problems) > before:
        return None
    return Task(values["name"][1], values["url"][1], values["schedule"][1], schedule, number)


def _values(file: _File, item: list[Line]) -> dict[str, tuple[int, str]]:
    """Return by key where a task's values stand and what they are, of those that are texts."""
    values: dict[str, tuple[int, str]] = {}
    seen: set[str] = set()
    for line in item:
        if line.key not in _KEYS:
            file.refuse(line.number, f"has the key `{line.key}`", f"a task has {', '.join(_KEYS)}")
        elif line.key in seen:
            file.refuse(line.number, f"has the key `{line.key}` again", "keep one of the two")
        elif (value := _value(file, line)) is not None:
            values[line.key] = line.number, value
        seen.add(line.key)
    return values


def _value(file: _File, line: Line) -> str | None:
    value = _scalar(line.text)
    if value is None:
        fix = 'put the text between double quotes, as in `schedule: "*/10 * * * *"`'
        file.refuse(line.number, f"has `{line.text}`, which is no plain text", fix)
    return value


def _scalar(text: str) -> str | None:
    """Return the text that a value is, None where YAML would take it for something else."""
    if text.startswith('"'):
        return _double_quoted(text)
    if text.startswith("'"):
        body, rest = _until_quote(text[1:])
        return body if _is_over(rest) else None
    plain = _plain(text)
    if plain in _NOTHING or plain[0] in _INDICATORS or ": " in plain or plain.endswith(":"):
        return None
    return plain


def _plain(text: str) -> str:
    """Return an unquoted value without its comment."""
    return "" if text.startswith("#") else text.partition(" #")[0].strip()


def _until_quote(text: str) -> tuple[str, str | None]:
    """Return a single-quoted text, in which two quotes are one, and what follows it; None where it never ends."""
    body = ""
    while True:
        part, quote, text = text.partition("'")
        body += part
        if not quote:
            return body, None
        if not text.startswith("'"):
            return body, text
        body, text = body + "'", text[1:]


def _double_quoted(text: str) -> str | None:
    body, escaped = "", False
    for index, character in enumerate(text[1:], 1):
        if escaped:
            # Others stand for characters that have no place in a name, a path or a schedule.
            if character not in '"\\/':
                return None
            body, escaped = body + character, False
        elif character == "\\":
            escaped = True
        elif character == '"':
            return body if _is_over(text[index + 1 :]) else None
        else:
            body += character
    return None


def _is_over(rest: str | None) -> bool:
    """Say whether nothing but a comment follows a closing quote."""
    return rest is not None and (
        not rest.strip() or (rest.lstrip(" ").startswith("#") and rest.startswith(" "))
    )
