"""Recognises the worker in a command line: which framework it is, and where its own words begin.

Light and pure: it runs before the worker does. It walks past what people put in front of a worker (shells, `env`,
`python -m`, `bundle exec`, `poetry run`, `uv run`) and gives up at the first word that it does not know: a guess could
send a worker a signal that kills its jobs.
"""

from __future__ import annotations

from supervisor.core.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Options of these that take a value, so that the next word is not the program.
_LAUNCHERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # name: (the words that must follow it, the options that take a value)
    "bundle": (("exec",), ("--gemfile",)),
    "poetry": (("run",), ("-C", "--directory", "-P", "--project")),
    "uv": (
        ("run",),
        ("--project", "--with", "--extra", "--group", "-p", "--python", "--directory", "--env-file"),
    ),
    "pipenv": (("run",), ()),
    "pdm": (("run",), ("-p", "--project")),
    "hatch": (("run",), ()),
    "nice": ((), ("-n", "--adjustment")),
    "ionice": ((), ("-c", "-n")),
    "chrt": ((), ()),
    "nohup": ((), ()),
    "stdbuf": ((), ("-i", "-o", "-e")),
    "setpriv": ((), ()),
    "gosu": (("*",), ()),
    "su-exec": (("*",), ()),
    "ddtrace-run": ((), ()),
    "newrelic-admin": (("run-program",), ()),
    "opentelemetry-instrument": ((), ()),
}
_NODE_OPTIONS_WITH_VALUE = ("-r", "--require", "--import", "--loader", "--env-file", "-C", "--conditions")
_SHELLS = ("sh", "bash", "dash", "ash", "zsh")
_PYTHON_OPTIONS_WITH_VALUE = ("-W", "-X", "--check-hash-based-pycs")
# What in a shell's text makes more of it than one command with plain words.
_SHELL_SYNTAX = frozenset("|&;<>()$`\\\"'*?[]#~%!{}\n")


class Recognised(Frozen):
    """name: the profile. at: the program's place. arguments: where its arguments begin.

    command: what was given; the text of a shell's -c is taken apart where that changes nothing (`sh -c "exec rq worker"`).
    """

    name: str
    command: tuple[str, ...]
    at: int
    arguments: int


def recognise(command: tuple[str, ...], read_file: Callable[[str], str]) -> Recognised | None:
    """Return what the command starts, or None where that cannot be told for certain.

    read_file: returns a file's text, raises OSError or ValueError.
    """
    at = 0
    while at < len(command):
        word = _program(command[at])
        if word in _SHELLS:
            inner = _shell_words(command, at)
            return None if inner is None else recognise((*command[:at], *inner), read_file)
        if word == "env":
            at = _past_env(command, at + 1)
        elif word.startswith("python") or word == "pypy3":
            return _python(command, at)
        elif word in ("node", "nodejs"):
            return _node(command, at, read_file)
        elif word in _LAUNCHERS:
            at = _past_launcher(command, at, *_LAUNCHERS[word])
        else:
            return _named(word, command, at, at + 1)
    return None


def _program(word: str) -> str:
    return word.rpartition("/")[2]


def _shell_words(command: tuple[str, ...], at: int) -> tuple[str, ...] | None:
    """Return the words of `sh -c TEXT` where the shell would only execute them; None where it does more.

    A login shell does more: it reads a profile.
    """
    rest = command[at + 1 :]
    if len(rest) != 2 or rest[0] not in ("-c", "-ec") or _SHELL_SYNTAX & set(rest[1]):
        return None
    words = tuple(rest[1].split())
    words = words[1:] if words[:1] == ("exec",) else words
    return words if words and "=" not in words[0] else None


def _past_env(command: tuple[str, ...], at: int) -> int:
    while at < len(command) and (command[at].startswith("-") or "=" in command[at]):
        at += 2 if command[at] in ("-u", "--unset", "-C", "--chdir") else 1
    return at


def _past_launcher(
    command: tuple[str, ...], at: int, following: tuple[str, ...], with_value: tuple[str, ...]
) -> int:
    at += 1
    for wanted in following:
        at = _past_options(command, at, with_value)
        if at >= len(command) or wanted not in ("*", command[at]):
            return len(command)
        at += 1
    return _past_options(command, at, with_value)


def _past_options(command: tuple[str, ...], at: int, with_value: tuple[str, ...]) -> int:
    while at < len(command) and command[at].startswith("-"):
        if command[at] == "--":
            return at + 1
        at += 2 if command[at] in with_value else 1
    return at


def _python(command: tuple[str, ...], at: int) -> Recognised | None:
    words = at + 1
    while words < len(command) and command[words].startswith("-"):
        if command[words] in ("-c", "-"):
            return None
        if command[words] == "-m":
            return _module(command, words + 1)
        words += 2 if command[words] in _PYTHON_OPTIONS_WITH_VALUE else 1
    return _named(_program(command[words]), command, words, words + 1) if words < len(command) else None


def _module(command: tuple[str, ...], at: int) -> Recognised | None:
    if at >= len(command):
        return None
    name = command[at].removesuffix(".__main__")
    known = {"celery.bin.celery": "celery", "rq.cli": "rq", "huey.bin.huey_consumer": "huey_consumer"}
    return _named(known.get(name, name), command, at, at + 1)


def _node(command: tuple[str, ...], at: int, read_file: Callable[[str], str]) -> Recognised | None:
    script = _past_options(command, at + 1, _NODE_OPTIONS_WITH_VALUE)
    if script >= len(command):
        return None
    try:
        text = read_file(command[script])
    except (OSError, ValueError):
        return None
    # A program that only puts jobs into the queue has no Worker.
    is_worker = "bullmq" in text and "Worker(" in text
    return Recognised("bullmq", command, at, at + 1) if is_worker else None


def _named(word: str, command: tuple[str, ...], at: int, arguments: int) -> Recognised | None:
    match word.removesuffix(".py"), command[arguments:]:
        case "celery", words if _sub_command(words, _CELERY_WITH_VALUE) == "worker":
            return Recognised("celery", command, at, arguments)
        case "rq", ("worker" | "worker-pool", *_):
            return Recognised("rq", command, at, arguments)
        case "rqworker", _:
            return Recognised("rq", command, at, arguments)
        case "dramatiq" | "dramatiq-gevent", words if not _HELP & set(words):
            return Recognised("dramatiq", command, at, arguments)
        case "huey_consumer", _:
            return Recognised("huey", command, at, arguments)
        case "manage", ("run_huey", *_):
            return Recognised("huey", command, at, arguments + 1)
        case "manage", ("rqworker" | "rqworker-pool", *_):
            return Recognised("rq", command, at, arguments)
        case "manage", ("rundramatiq", *_):
            return Recognised("dramatiq", command, at, arguments + 1)
        case "arq", words if not _HELP & set(words):
            return Recognised("arq", command, at, arguments)
        case "taskiq", ("worker", *_):
            return Recognised("taskiq", command, at, arguments)
        case ("sidekiq" | "puma" | "gunicorn" | "uvicorn") as name, words if not _HELP & set(words):
            return Recognised(name, command, at, arguments)
        case _:
            return None


_HELP = {"--help", "-h", "--version"}

# Global options of `celery` that take a value (celery --help, 5.x), in front of the sub-command.
_CELERY_WITH_VALUE = (
    "-A",
    "--app",
    "-b",
    "--broker",
    "--result-backend",
    "--loader",
    "--config",
    "--workdir",
)


def _sub_command(words: tuple[str, ...] | list[str], with_value: tuple[str, ...]) -> str | None:
    at = _past_options(tuple(words), 0, with_value)
    return words[at] if at < len(words) else None
