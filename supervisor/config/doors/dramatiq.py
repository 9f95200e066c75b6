"""Dramatiq's door: our module among those that its workers import, behind the broker's in the command.

`manage.py rundramatiq` writes Dramatiq's command by itself; there our sitecustomize attaches. Dramatiq's own limit for its
shutdown is set by the hook when the stop signal comes: only then it is known how much time there is.
"""

from __future__ import annotations

from . import Door, Opened

MODULE = "supervisor.hooks.dramatiq"

# Read by the hook. No option of ours, hence the underscore.
LIMIT_VARIABLE = "_ECS_SUPERVISOR_STOP_SECONDS"

# Options of `dramatiq` (dramatiq --help, 1.17 to 2.2) that swallow the word behind them, and all words behind them.
_LETTERS = "ptfix"
_NAMES = (
    *("--processes", "--threads", "--pid-file", "--log-file", "--fork-function", "--worker-fork-timeout"),
    *("--worker-shutdown-timeout", "--watch", "--watch-include", "--watch-exclude"),
)
_GREEDY = ("-P", "--path", "-Q", "--queues")
_FLAGS = ("--skip-logging", "--use-spawn", "--watch-use-polling", "--version", "--verbose")


def open_door(door: Door) -> Opened | str:
    """Add our module to those that are imported."""
    command = door.command
    if door.at < 0:
        return "the dramatiq command is not known"
    environ = {LIMIT_VARIABLE: f"{door.stop_seconds:g}"}
    if command[door.arguments - 1] == "rundramatiq":
        return Opened(command, environ, "sitecustomize, at the import of dramatiq.worker")
    at = _end_of_modules(command, door.arguments)
    if at is None:
        return "the module with the broker was not found in its command"
    if MODULE in command:
        return Opened(command, environ, MODULE)
    return Opened((*command[:at], MODULE, *command[at:]), environ, f"the module {MODULE}")


def _end_of_modules(command: tuple[str, ...], at: int) -> int | None:
    """Return the place behind the broker and the modules, which stand together; None where there is no broker."""
    while at < len(command) and command[at].startswith("-") and command[at] != "--":
        word = command[at]
        at += 1
        if _matches(word, _GREEDY):
            while at < len(command) and not command[at].startswith("-"):
                at += 1
        elif _takes_next(word):
            at += 1
    at += command[at : at + 1] == ("--",)
    if at >= len(command):
        return None
    while at < len(command) and not command[at].startswith("-"):
        at += 1
    return at


def _takes_next(word: str) -> bool:
    if word.startswith("--"):
        return _matches(word, _NAMES)
    # The first letter with a value swallows the rest of its word, or the next one: -p2, -vp 2.
    for index, letter in enumerate(word[1:], start=2):
        if letter in _LETTERS:
            return index == len(word)
    return False


def _matches(word: str, names: tuple[str, ...]) -> bool:
    """Whether a word is one of these options with its value still to come; argparse takes any beginning of one."""
    if not word.startswith("--") or word in (*names, *_FLAGS):
        return word in names
    return any(name.startswith(word) for name in names)
