"""Reads the command line, the environment and the TOML file of `run` into settings, or into what to say instead.

Pure: the caller brings all three. The argument parser is our own, because argparse would double the time until the worker
starts, and because it stops at the first mistake, where a container that has to be deployed again for each one is costly.
"""

from __future__ import annotations

from supervisor.core.frozen import Frozen
from supervisor.core.problem import Problem
from supervisor.core.status import CONFIG, USAGE

from .options import OPTIONS, PREFIX, REPEATABLE, WORKER_VARIABLES, one_of_many, options_help
from .reading import Given, did_you_mean
from .resolve import resolve
from .settings import RunSettings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_USAGE = "ecs-supervisor run [OPTIONS] [--] COMMAND [ARGUMENTS]"

_BY_FLAG = {option.flag: option for option in OPTIONS.values()}
_VARIABLES = {option.variable for option in OPTIONS.values()} | set(WORKER_VARIABLES)


class Answer(Frozen):
    """What to print and exit with instead of starting a worker; `problems` is empty when help was asked for."""

    status: int
    text: str
    problems: tuple[Problem, ...]


def load(
    argv: list[str], environ: Mapping[str, str], read_file: Callable[[str], str]
) -> RunSettings | Answer:
    """Return the settings, or an answer with every problem there is.

    argv: what follows `run`. read_file: returns a file's text, raises OSError or ValueError.
    """
    line = _CommandLine(argv)
    if line.help_wanted:
        return Answer(0, run_help(), ())
    variables = dict(_from_environment(environ))
    wrong = [*line.problems, *_unknown_variables(environ)]
    config = line.given.get("config") or variables.get("config")
    file = _from_file(config, read_file, wrong) if config is not None else {}
    resolved = resolve(file | variables | line.given, tuple(line.command), environ, read_file)
    if isinstance(resolved, RunSettings) and not wrong:
        return resolved
    wrong += () if isinstance(resolved, RunSettings) else resolved
    return Answer(USAGE if line.problems else CONFIG, _refusal(wrong), tuple(wrong))


def run_help() -> str:
    """Return what `run --help` prints."""
    return f"""Usage: {_USAGE}

Starts COMMAND, protects the ECS task while it works, and stops it within the stop timeout without losing jobs.

Options (flags win over environment variables, those over the file; --lease is ECS_SUPERVISOR_LEASE and `lease`):
{options_help()}

Stages of a stop sequence: QUIET 20 (hooks take no new work, 20 s at most), TSTP 20 or quiet:USR1 20 (the same, by
signal), WAIT 5 (nothing is sent), TERM 7 (any signal that asks the worker to exit), KILL (always last).

Probes, each with an idle time of its own before it is believed (README says what each cannot see):
{_probes_help()}

Exit status: the worker's own; 128 + n when signal n ended it; 137 when it had to be killed; 64 wrong usage;
78 unusable configuration; 70 a defect of the supervisor; 126, 127 COMMAND cannot be executed, is not found.
"""


def _probes_help() -> str:
    from .probes import probes_help

    return probes_help()


class _CommandLine:
    """Splits argv into options and COMMAND, going on after a mistake."""

    __slots__ = ("command", "given", "help_wanted", "problems")

    def __init__(self, argv: list[str]) -> None:
        self.given: dict[str, Given] = {}
        self.help_wanted = False
        self.problems: list[Problem] = []
        words = list(argv)
        while words and words[0].startswith("-"):
            word = words.pop(0)
            if word == "--":
                break
            if word in ("-h", "--help"):
                self.help_wanted = True
            elif word == "--no-attach":
                self.given["attach"] = Given("none", word)
            else:
                self._option(word, words)
        self.command = words
        if not words:
            self.problems.append(
                Problem("no COMMAND is given", "there is nothing to start", f"write `{_USAGE}`")
            )

    def _option(self, word: str, words: list[str]) -> None:
        flag, equals, value = word.partition("=")
        known = flag in _BY_FLAG
        # The word after an unknown flag is its value rather than COMMAND, unless nothing would be left to be COMMAND.
        if not equals and len(words) > (0 if known else 1) and not words[0].startswith("--"):
            value, equals = words.pop(0), "="
        if not known:
            meant = did_you_mean(flag, _BY_FLAG)
            fix = f"see `ecs-supervisor run --help`{meant}, and write `--` before COMMAND"
            self.problems.append(
                Problem(f"{flag} is no option", "what it was meant to do would not happen", fix)
            )
        elif not equals:
            fix = f"write `{flag} {_BY_FLAG[flag].value}`"
            self.problems.append(Problem(f"{flag} has no value", "every option needs one", fix))
        else:
            key = _BY_FLAG[flag].key
            if key in REPEATABLE:
                before = f"{self.given[key].text}\n" if key in self.given else ""
                value = before + one_of_many(value)
            self.given[key] = Given(value, flag)


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, Given]]:
    for key, option in OPTIONS.items():
        # An empty variable is how a task definition or a compose file leaves one out.
        if text := environ.get(option.variable, "").strip():
            yield key, Given(text, option.variable)


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[Problem]:
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and variable not in _VARIABLES:
            meant = did_you_mean(variable, _VARIABLES)
            yield Problem(
                f"the environment variable {variable} is no option",
                "what it was meant to do would not happen",
                f"see `ecs-supervisor run --help`{meant}, or remove it",
            )


def _from_file(config: Given, read_file: Callable[[str], str], wrong: list[Problem]) -> dict[str, Given]:
    from .toml_file import read

    try:
        given, problems = read(read_file(config.text), config.text)
    except (OSError, ValueError) as error:
        what = f"{config.where} names {config.text}, which cannot be used ({error})"
        wrong.append(Problem(what, "its options would be missing", "make it a readable TOML file in UTF-8"))
        return {}
    wrong += problems
    return given


def _refusal(wrong: list[Problem]) -> str:
    """Return one line a problem, under a heading."""
    many = "one problem" if len(wrong) == 1 else f"{len(wrong)} problems"
    lines = [f"ecs-supervisor: {many}, nothing was started"]
    return "\n".join([*lines, *(f"  - {problem}." for problem in wrong)]) + "\n"
