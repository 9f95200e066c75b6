"""Splits the words after one of the small commands into flags and the rest; loads nothing, because shell loops call them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_HELP = "--help"


class UsageError(Exception):
    """The words cannot be understood; the text says why and what to write, for people."""


class Flags:
    """known: each flag with what its value is called, empty for one that has none. rest: the words after the flags."""

    def __init__(self, command: str, words: list[str], known: Mapping[str, str]) -> None:
        self._command = command
        self._known = known
        self._given: dict[str, list[str]] = {}
        self.rest = list(words)
        while self.rest and self.rest[0].startswith("-"):
            word = self.rest.pop(0)
            if word == "--":
                break
            self._take(_HELP if word == "-h" else word)

    def __contains__(self, flag: str) -> bool:
        return flag in self._given

    @property
    def help_wanted(self) -> bool:
        return _HELP in self

    def text(self, flag: str, default: str = "") -> str:
        """Return the flag's value, the last where it was given more than once."""
        return self._given[flag][-1] if flag in self else default

    def texts(self, flag: str) -> list[str]:
        """Return all values of a flag that may be repeated."""
        return self._given.get(flag, [])

    def number(self, flag: str, least: float, most: float) -> float | None:
        """Return the flag's value as a number within the limits, None where it was not given. Raise UsageError."""
        if flag not in self:
            return None
        from supervisor.config.reading import finite

        number = finite(self.text(flag))
        if number is None or not least <= number <= most:
            # All digits: `g` alone makes 4.1943e+06 of the largest process id.
            limits = f"{least:.15g} to {most:.15g}"
            raise self.error(f"{flag} is `{self.text(flag)}`", f"give a number from {limits}")
        return number

    def no_rest(self) -> None:
        """Raise UsageError where words follow the flags."""
        if self.rest:
            raise self.error(f"`{self.rest[0]}` is not expected", "leave it out")

    def error(self, what: str, fix: str) -> UsageError:
        """Return what to raise: what is wrong, that nothing was done, and what to do."""
        return UsageError(f"{what}, so nothing was done; {fix}; see `ecs-supervisor {self._command} --help`")

    def _take(self, word: str) -> None:
        flag, equals, value = word.partition("=")
        if flag == _HELP:
            self._given[flag] = [""]
            return
        if flag not in self._known:
            from supervisor.config.reading import did_you_mean

            # Something may follow that was meant as its value; after the first mistake it does not matter.
            raise self.error(
                f"{flag} is no option", f"leave it out{did_you_mean(flag, [*self._known, _HELP])}"
            )
        if not self._known[flag]:
            if equals:
                raise self.error(f"{flag} takes no value", f"write {flag} alone")
        elif not equals:
            if not self.rest or self.rest[0] == "--":
                raise self.error(f"{flag} has no value", f"write {flag} {self._known[flag]}")
            value = self.rest.pop(0)
        self._given.setdefault(flag, []).append(value)
