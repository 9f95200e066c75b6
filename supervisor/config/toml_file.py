"""Reads the options out of the TOML file; a module of its own, because only who names a file pays for the parser."""

from __future__ import annotations

import tomllib

from supervisor.core.problem import Problem

from .options import OPTIONS, REPEATABLE, one_of_many
from .reading import Given, did_you_mean

_BY_NAME = {option.name: option for option in OPTIONS.values() if option.key != "config"}


def read(text: str, path: str) -> tuple[dict[str, Given], tuple[Problem, ...]]:
    """Return the options by key, and what is wrong. Raise ValueError where the text is not TOML."""
    given: dict[str, Given] = {}
    wrong: list[Problem] = []
    for table, content in tomllib.loads(text).items():
        if table != "run" or not isinstance(content, dict):
            wrong.append(_unknown(f"`{table}`", path, table, ["run"], "options of `run` stand under [run]"))
            continue
        for name, value in content.items():
            option = _BY_NAME.get(name)
            written = _as_text(value, option is not None and option.key in REPEATABLE)
            if option is None:
                wrong.append(
                    _unknown(f"`{name}`", path, name, list(_BY_NAME), "see `ecs-supervisor run --help`")
                )
            elif written is None:
                fix = "give a string, a number, or a list of them"
                wrong.append(Problem(f"`{name}` in {path} is {value!r}", f"this sets {option.meaning}", fix))
            else:
                given[option.key] = Given(written, f"`{name}` in {path}")
    return given, tuple(wrong)


def _unknown(what: str, path: str, word: str, known: list[str], fix: str) -> Problem:
    why = "what it was meant to do would not happen"
    return Problem(f"{what} in {path} is no option", why, f"{fix}{did_you_mean(word, known)}")


def _as_text(value: object, is_repeatable: bool) -> str | None:
    """Return a value as one would write it after the flag; None where it cannot be meant so."""
    words = value if isinstance(value, list) else [value]
    # To Python a bool is an int.
    if all(isinstance(word, (str, int, float)) and not isinstance(word, bool) for word in words):
        texts = [str(word) for word in words]
        return "\n".join(map(one_of_many, texts)) if is_repeatable else ",".join(texts)
    return None
