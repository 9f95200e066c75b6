"""The command line of `eb-cron`, and what it prints: the schedules as JSON, or every problem there is. Pure."""

from __future__ import annotations

import json

from supervisor.config.load import Answer, gather
from supervisor.config.option import Option, Table
from supervisor.config.option_text import options_help
from supervisor.config.periodic_message import NAME_CHARACTERS
from supervisor.config.reading import Reader, why_unreadable
from supervisor.core.problem import Problem

from .file import read_cron
from .schedules import cloudformation, command_line_input

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .tasks import Task

_LONGEST_PREFIX = 24

_NO_LIMITS = (0.0, 0.0)


def _row(key: str, value: str, default: str, meaning: str, *choices: str) -> Option:
    return Option(key, value or "|".join(choices), default, default != "none", _NO_LIMITS, choices, meaning)


_ROWS = (
    _row("file", "FILE", "cron.yaml", "Elastic Beanstalk's file with the periodic tasks"),
    _row(
        "output",
        "",
        "cloudformation",
        "a template, or what `aws scheduler create-schedule --cli-input-json` takes, one line for each schedule (`cli`)",
        *("cloudformation", "cli"),
    ),
    _row(
        "queue_url",
        "URL",
        "none",
        "the queue that the worker reads; in a template the default of a parameter",
    ),
    _row("role_arn", "ARN", "none", "the role that may send to it; a template makes its own"),
    _row("prefix", "TEXT", "", "what the schedules' names begin with"),
    _row(
        "fifo",
        "",
        "no",
        "whether the queue is FIFO; told from --queue-url where that is given",
        *("no", "yes"),
    ),
)

_TABLE = Table(
    "eb-cron",
    "ecs-supervisor eb-cron [--file FILE] [OPTIONS]",
    {option.key: option for option in _ROWS},
    {"--fifo": ("fifo", "yes")},
    takes_command=False,
)


def convert(argv: list[str], read_file: Callable[[str], str]) -> Answer:
    """Return what to print, with status 0 and without problems where all is well. argv: what follows `eb-cron`."""
    gathered = gather(argv, {}, read_file, _TABLE)
    if gathered.help_wanted:
        return Answer(0, _help(), ())
    reader = Reader(gathered.given, _TABLE.options)
    output, prefix = reader.choice("output"), reader.text("prefix")
    url, role = reader.given("queue_url"), reader.given("role_arn")
    is_fifo = reader.choice("fifo") == "yes" if url is None else url.endswith(".fifo")
    if output == "cli" and url is None:
        reader.refuse("queue_url", "is missing", "give the URL of the queue, or take the other output")
    if output == "cli" and role is None:
        reader.refuse(
            "role_arn", "is missing", "give the ARN of a role that EventBridge Scheduler may assume"
        )
    if len(prefix) > _LONGEST_PREFIX or not NAME_CHARACTERS.issuperset(prefix):
        fix = f"give at most {_LONGEST_PREFIX} letters, digits, `-`, `_` and `.`"
        reader.refuse("prefix", f"is `{prefix}`", fix)
    path = reader.text("file")
    tasks, problems = _read(path, read_file)
    if gathered.problems or reader.problems or problems:
        return gathered.refusal((*reader.problems, *problems), "nothing was written")
    if output == "cli":
        schedules = command_line_input(tasks, prefix, url or "", role or "", is_fifo)
        return Answer(0, "".join(f"{json.dumps(schedule)}\n" for schedule in schedules), ())
    return Answer(0, json.dumps(cloudformation(tasks, prefix, is_fifo, url), indent=2) + "\n", ())


def _read(path: str, read_file: Callable[[str], str]) -> tuple[tuple[Task, ...], tuple[Problem, ...]]:
    try:
        return read_cron(read_file(path), path)
    except (OSError, ValueError) as error:
        what = f"{path} cannot be read ({why_unreadable(error)})"
        return (), (Problem(what, "there is nothing to convert", "name a readable file with --file"),)


def _help() -> str:
    return f"""Usage: {_TABLE.usage}

Turns the periodic tasks of an Elastic Beanstalk worker (cron.yaml) into schedules of EventBridge Scheduler, which send the same
messages to the worker's queue. Nothing is created: what is printed is for CloudFormation or the AWS CLI.

Options:
{options_help(_ROWS)}

Exit status: 0; 64 wrong usage; 78 unusable options or file.
"""
