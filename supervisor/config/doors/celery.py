"""Celery's door: `-I supervisor.hooks.celery` behind `worker`, added to what the user includes.

Click takes the last -I of several, and its environment variable only where there is none; so ours is added to the last one's
list, else to the variable's. An interpreter that ignores PYTHONPATH would not find the module, and a worker that cannot import
what is named with -I does not start: there the door stays closed.
"""

from __future__ import annotations

from . import Door, Opened

MODULE = "supervisor.hooks.celery"

# How Celery's command line is read from the environment (its group has auto_envvar_prefix="CELERY").
VARIABLE = "CELERY_WORKER_INCLUDE"

# Options that take a value, of `celery` and of `celery worker` (celery --help, 5.3 to 5.7).
_GLOBAL_LETTERS = "Ab"
_GLOBAL_NAMES = ("--app", "--broker", "--result-backend", "--loader", "--config", "--workdir")
_LETTERS = "nSlOcPQXsIAb"
# Only -I and --include are to be found; of the others it matters which swallow the word behind them.
_NAMES = (
    *(
        "--hostname",
        "--statedb",
        "--loglevel",
        "--optimization",
        "--prefetch-multiplier",
        "--concurrency",
        "--pool",
    ),
    *(
        "--time-limit",
        "--soft-time-limit",
        "--max-tasks-per-child",
        "--max-memory-per-child",
        "--pool-start-method",
    ),
    *(
        "--queues",
        "--exclude-queues",
        "--include",
        "--heartbeat-interval",
        "--autoscale",
        "--schedule-filename",
    ),
    *("--schedule", "--scheduler", "--logfile", "--pidfile", "--uid", "--gid", "--umask", "--executable"),
)

# Of Python: each of these makes it ignore PYTHONPATH, or the folder's sitecustomize.
_ISOLATING = "IES"


def open_door(door: Door) -> Opened | str:
    """Add our module to those that the worker includes."""
    command = door.command
    if door.at < 0:
        return "the celery command is not known"
    if _is_isolated(command[: door.at]):
        return "its Python runs isolated (-I, -E or -S) and would not find the hook"
    worker = _sub_command(command, door.arguments)
    if worker is None:
        return "only `celery worker` runs jobs"
    found = _last_include(command, worker + 1)
    if found is None:
        own = door.environ.get(VARIABLE, "")
        include = ("-I", f"{own},{MODULE}" if own else MODULE)
        return _opened((*command[: worker + 1], *include, *command[worker + 1 :]))
    at, prefix, own = found
    if MODULE in own.split(","):
        return _opened(command)
    return _opened((*command[:at], f"{prefix}{own},{MODULE}", *command[at + 1 :]))


def _opened(command: tuple[str, ...]) -> Opened:
    return Opened(command, {}, f"-I {MODULE}")


def _is_isolated(words: tuple[str, ...]) -> bool:
    """Whether one of the words behind a python, as in `python -I -m celery`, keeps it from its environment."""
    is_python = False
    for word in words:
        if not word.startswith("-"):
            is_python = word.rpartition("/")[2].startswith(("python", "pypy"))
        elif is_python and not word.startswith("--"):
            # -W, -X and -m take what follows in the same word.
            letters = word[1:]
            for stop in "WXmc":
                letters = letters.partition(stop)[0]
            if any(letter in _ISOLATING for letter in letters):
                return True
    return False


def _sub_command(command: tuple[str, ...], at: int) -> int | None:
    """Return where `worker` stands; None where another sub-command does, or none."""
    while at < len(command) and command[at].startswith("-"):
        at += 2 if _takes_next(command[at], _GLOBAL_LETTERS, _GLOBAL_NAMES) else 1
    return at if at < len(command) and command[at] == "worker" else None


def _last_include(command: tuple[str, ...], at: int) -> tuple[int, str, str] | None:
    """Return the place of the word that has the last list of includes, what stands before the list in it, and the list."""
    found = None
    while at < len(command) and command[at] != "--":
        word = command[at]
        takes_next = _takes_next(word, _LETTERS, _NAMES)
        name, equals, value = word.partition("=")
        if name == "--include" and equals:
            found = (at, "--include=", value)
        elif (letters := _letters_up_to_value(word, _LETTERS)).endswith("I") and not takes_next:
            found = (at, f"-{letters}", word[1 + len(letters) :])
        elif takes_next and (word == "--include" or letters.endswith("I")) and at + 1 < len(command):
            found = (at + 1, "", command[at + 1])
        at += 2 if takes_next else 1
    return found


def _takes_next(word: str, letters: str, names: tuple[str, ...]) -> bool:
    """Whether the word's last option has its value in the next word."""
    if word.startswith("--"):
        return word in names
    read = _letters_up_to_value(word, letters)
    return read != "" and read[-1] in letters and len(read) == len(word) - 1


def _letters_up_to_value(word: str, letters: str) -> str:
    """Return the short options in a word like -EQmail, up to the first that takes a value; "" where it has none."""
    if not word.startswith("-") or word.startswith("--"):
        return ""
    for index, letter in enumerate(word[1:], start=2):
        if letter in letters:
            return word[1:index]
    return word[1:]
