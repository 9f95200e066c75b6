"""An option and its names, and the table of a command's options.

A flag, an environment variable and a key of the TOML file are made from every option, and so are `--help` and the table in
README (option_text.py); nothing else in the project knows an option by another name.
"""

from __future__ import annotations

from supervisor.core.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "ECS_SUPERVISOR_"

# A day and a night: no time limit of an ECS task is longer, and a bigger number is a slip of the finger.
DAY_SECONDS = 86_400.0

# Given more than once, these add up instead of replacing each other; so do the words of a list in the file.
REPEATABLE = frozenset(("probe", "api", "queue_url"))


class Option(Frozen):
    """`default` is the text a user would write, or what stands for it where `has_default` is false.

    limits: the least and the most a number may be. choices: the words it may be.
    """

    key: str
    value: str
    default: str
    has_default: bool
    limits: tuple[float, float]
    choices: tuple[str, ...]
    meaning: str

    @property
    def flag(self) -> str:
        return f"--{self.name}"

    @property
    def name(self) -> str:
        """The key in the TOML file."""
        return self.key.replace("_", "-")

    @property
    def variable(self) -> str:
        return f"{PREFIX}{self.key.upper()}"

    @property
    def written(self) -> str:
        """The flag as one writes it."""
        return self.flag if self.is_switch else f"{self.flag} {self.value}"

    @property
    def is_switch(self) -> bool:
        """Say whether the flag alone means yes."""
        return self.choices == ("no", "yes")


def row(
    key: str,
    value: str,
    default: str,
    meaning: str,
    *,
    limits: tuple[float, float] = (0.0, DAY_SECONDS),
    choices: tuple[str, ...] = (),
    has_default: bool = True,
) -> Option:
    """Return an option. value: what is written after the flag; without one, the choices."""
    return Option(key, value or "|".join(choices), default, has_default, limits, choices, meaning)


class Table(Frozen):
    """The options of one command, by key. command: its name, also of its table in the TOML file.

    switches: flags that are whole without a value, with the option they set, and to what. usage: how one writes it.
    takes_command: words after the options are a command to start.
    """

    command: str
    usage: str
    options: dict[str, Option]
    switches: dict[str, tuple[str, str]]
    takes_command: bool


def switches(options: Iterable[Option]) -> dict[str, tuple[str, str]]:
    """Return the switches among these options."""
    return {option.flag: (option.key, "yes") for option in options if option.is_switch}


def one_of_many(text: str) -> str:
    """Return what stands for one value of a repeatable option among several: semicolons part them where all are one text."""
    return text.replace(";", ";;")
