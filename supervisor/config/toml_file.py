"""Reads the options out of the TOML file; a module of its own, because only who names a file pays for the parser."""

from __future__ import annotations

import tomllib

from supervisor.core.problem import Problem

from .option import REPEATABLE, Table, one_of_many
from .reading import Given, did_you_mean


def read(text: str, path: str, table: Table) -> tuple[dict[str, Given], tuple[Problem, ...]]:
    """Return a command's options by key, and what is wrong. Raise ValueError where the text is not TOML."""
    by_name = {option.name: option for option in table.options.values() if option.key != "config"}
    given: dict[str, Given] = {}
    wrong: list[Problem] = []
    for head, content in tomllib.loads(text).items():
        if head != table.command or not isinstance(content, dict):
            fix = f"options of `{table.command}` stand under [{table.command}]"
            wrong.append(_unknown(f"`{head}`", path, head, [table.command], fix))
            continue
        for name, value in content.items():
            option = by_name.get(name)
            if isinstance(value, bool) and option is not None and option.is_switch:
                value = "yes" if value else "no"
            written = _as_text(value, option is not None and option.key in REPEATABLE)
            if option is None:
                fix = f"see `ecs-supervisor {table.command} --help`"
                wrong.append(_unknown(f"`{name}`", path, name, list(by_name), fix))
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
        if any("\0" in text for text in texts):
            # No flag and no variable can have it, and no path.
            return None
        return "\n".join(map(one_of_many, texts)) if is_repeatable else ",".join(texts)
    return None
