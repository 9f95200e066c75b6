"""Reads typed values out of the texts a user gave, and remembers what was wrong with them instead of giving up."""

from __future__ import annotations

from supervisor.core.frozen import Frozen
from supervisor.core.problem import Problem

from .options import OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .option import Option

# float() also reads `nan`, `infinity`, `1_000` and the digits of every script: none of them is meant here.
_NUMBER_CHARACTERS = frozenset("0123456789.+-eE")


# Room in sockaddr_un for a path without its final NUL (unix(7)).
_SOCKET_PATH_BYTES = 107


class Given(Frozen):
    """What the user wrote for an option, and where: a flag, a variable, or a key in a file."""

    text: str
    where: str


class Reader:
    """Gives every option's value, the default where the user's is no good; `problems` then says so."""

    __slots__ = ("_given", "_options", "_wrong", "problems")

    def __init__(self, given: Mapping[str, Given], options: Mapping[str, Option] = OPTIONS) -> None:
        self._given = given
        self._options = options
        self._wrong: set[str] = set()
        self.problems: list[Problem] = []

    def is_good(self, *keys: str) -> bool:
        """Say whether these options can be compared with each other, because none of them was refused."""
        return self._wrong.isdisjoint(keys)

    def given(self, key: str) -> str | None:
        """Return the user's text, None where there is none."""
        return self._given[key].text.strip() if key in self._given else None

    def text(self, key: str) -> str:
        """Return the user's text or the default."""
        given = self.given(key)
        return self._options[key].default if given is None else given

    def where(self, key: str) -> str:
        """Return where the user wrote the option, in the user's own words."""
        return self._given[key].where if key in self._given else self._options[key].flag

    def refuse(self, key: str, what: str, fix: str) -> None:
        """Note that this option's value is not usable."""
        self.add(key, Problem(f"{self.where(key)} {what}", f"this sets {self._options[key].meaning}", fix))

    def add(self, key: str, problem: Problem) -> None:
        """Note a problem that was found elsewhere."""
        self._wrong.add(key)
        self.problems.append(problem)

    def number(self, key: str) -> float:
        """Return a finite number within the option's limits."""
        return self.number_in(key, self.text(key)) or 0.0

    def number_in(self, key: str, text: str) -> float | None:
        """Return the number that this text is, None (and a problem) where it is none within the option's limits."""
        option = self._options[key]
        number = finite(text)
        least, most = option.limits
        if number is not None and least <= number <= most:
            return number
        self.refuse(
            key, f"is `{self.text(key)}`", f"give a number from {least:g} to {most:g}, without a unit"
        )
        return None

    def choice(self, key: str) -> Any:
        """Return one of the option's words; the settings say which they are, the table has to agree."""
        option, text = self._options[key], self.text(key)
        if text not in option.choices:
            meant = did_you_mean(text, option.choices)
            self.refuse(key, f"is `{text}`", f"give one of {', '.join(option.choices)}{meant}")
        return text

    def words(self, key: str) -> tuple[str, ...]:
        """Return the parts of a list with commas, without the empty ones."""
        return tuple(word for part in self.text(key).split(",") if (word := part.strip()))


def check_path(reader: Reader, key: str, text: str, path: str) -> None:
    """Refuse a path that no unix socket can have. text: what the user wrote it in."""
    if not path.startswith("/"):
        reader.refuse(key, f"is `{text}`", "give an absolute path: the worker may work in another directory")
    elif len(path.encode(errors="surrogateescape")) > _SOCKET_PATH_BYTES:
        reader.refuse(
            key,
            f"is longer than {_SOCKET_PATH_BYTES} bytes",
            "give a shorter path: the kernel takes no more",
        )


def why_unreadable(error: Exception) -> str:
    """Return why a file cannot be read, in the kernel's words without its numbers, or in those of the decoder."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def finite(text: str) -> float | None:
    """Return the number that a text is, None where it is not a plain finite number."""
    if not _NUMBER_CHARACTERS.issuperset(text):
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint at the word that was probably meant, empty where none is near."""
    # Not at the top: it drags in re, and a supervisor that starts never needs it.
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
