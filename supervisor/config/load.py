"""Reads the command line, the environment and the TOML file of a command, and for `run` makes settings of them.

Pure: the caller brings all three. The argument parser is our own, because argparse would double the time until the worker
starts, and because it stops at the first mistake, where a container that has to be deployed again for each one is costly.
"""

from __future__ import annotations

from supervisor.core.frozen import Frozen
from supervisor.core.problem import Problem
from supervisor.core.status import CONFIG, USAGE

from .option import PREFIX, REPEATABLE, Table, one_of_many
from .options import RUN, WORKER_VARIABLES
from .reading import Given, did_you_mean, why_unreadable
from .resolve import resolve
from .settings import RunSettings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


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
    gathered = gather(argv, environ, read_file, RUN)
    if gathered.help_wanted:
        return Answer(0, run_help(), ())
    resolved = resolve(gathered.given, gathered.command, environ, read_file)
    return resolved if gathered.is_good and isinstance(resolved, RunSettings) else gathered.refusal(resolved)


class Gathered(Frozen):
    """What was given for a command, by option key, before anybody has looked at the values. misused: its usage is another."""

    given: Mapping[str, Given]
    command: tuple[str, ...]
    help_wanted: bool
    misused: bool
    problems: tuple[Problem, ...]

    @property
    def is_good(self) -> bool:
        return not self.problems

    def refusal(self, more: object = (), undone: str = "nothing was started") -> Answer:
        """Return what to say instead of doing anything. more: the problems of the values, if there are any."""
        wrong = (*self.problems, *(more if isinstance(more, tuple) else ()))
        return Answer(USAGE if self.misused else CONFIG, _refusal(wrong, undone), wrong)


def gather(
    argv: list[str], environ: Mapping[str, str], read_file: Callable[[str], str], table: Table
) -> Gathered:
    """Collect what is given for a command's options, flags before variables and those before the file."""
    line = _CommandLine(argv, table)
    variables = dict(_from_environment(environ, table))
    wrong = [*line.problems, *_unknown_variables(environ, table)]
    config = line.given.get("config") or variables.get("config")
    file = _from_file(config, read_file, wrong, table) if config is not None and not line.help_wanted else {}
    given = file | variables | line.given
    return Gathered(given, tuple(line.command), line.help_wanted, bool(line.problems), tuple(wrong))


def run_help() -> str:
    """Return what `run --help` prints."""
    from .option_text import options_help

    return f"""Usage: {RUN.usage}

Starts COMMAND, protects the ECS task while it works, and stops it within the stop timeout without losing jobs.

Options (flags win over environment variables, those over the file; --lease is ECS_SUPERVISOR_LEASE and `lease`):
{options_help(RUN.options.values())}

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

    __slots__ = ("_by_flag", "_table", "command", "given", "help_wanted", "problems")

    def __init__(self, argv: list[str], table: Table) -> None:
        self._table = table
        self._by_flag = {option.flag: option for option in table.options.values()}
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
            elif word in table.switches:
                key, text = table.switches[word]
                self.given[key] = Given(text, word)
            else:
                self._option(word, words)
        self.command = words
        if table.takes_command and not words:
            self.problems.append(
                Problem("no COMMAND is given", "there is nothing to start", f"write `{table.usage}`")
            )
        elif words and not table.takes_command:
            what, why = f"`{words[0]}` is no option", "nothing would be done with it"
            self.problems.append(Problem(what, why, f"write `{table.usage}`"))

    def _option(self, word: str, words: list[str]) -> None:
        flag, equals, value = word.partition("=")
        known = flag in self._by_flag
        # The word after an unknown flag is its value rather than COMMAND, unless nothing would be left to be COMMAND.
        least = 0 if known or not self._table.takes_command else 1
        if not equals and len(words) > least and not words[0].startswith("--"):
            value, equals = words.pop(0), "="
        if not known:
            meant = did_you_mean(flag, self._by_flag)
            before = ", and write `--` before COMMAND" if self._table.takes_command else ""
            fix = f"see `ecs-supervisor {self._table.command} --help`{meant}{before}"
            self.problems.append(
                Problem(f"{flag} is no option", "what it was meant to do would not happen", fix)
            )
        elif not equals:
            fix = f"write `{flag} {self._by_flag[flag].value}`"
            self.problems.append(Problem(f"{flag} has no value", "every option needs one", fix))
        else:
            key = self._by_flag[flag].key
            if key in REPEATABLE:
                before = f"{self.given[key].text}\n" if key in self.given else ""
                value = before + one_of_many(value)
            self.given[key] = Given(value, flag)


def _from_environment(environ: Mapping[str, str], table: Table) -> Iterator[tuple[str, Given]]:
    for key, option in table.options.items():
        # An empty variable is how a task definition or a compose file leaves one out.
        if text := environ.get(option.variable, "").strip():
            yield key, Given(text, option.variable)


def _unknown_variables(environ: Mapping[str, str], table: Table) -> Iterator[Problem]:
    known = {option.variable for option in table.options.values()} | set(WORKER_VARIABLES)
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and variable not in known:
            meant = did_you_mean(variable, known)
            yield Problem(
                f"the environment variable {variable} is no option",
                "what it was meant to do would not happen",
                f"see `ecs-supervisor {table.command} --help`{meant}, or remove it",
            )


def _from_file(
    config: Given, read_file: Callable[[str], str], wrong: list[Problem], table: Table
) -> dict[str, Given]:
    from .toml_file import read

    try:
        given, problems = read(read_file(config.text), config.text, table)
    except (OSError, ValueError, RecursionError) as error:
        what = f"{config.where} names {config.text}, which cannot be used ({why_unreadable(error)})"
        wrong.append(Problem(what, "its options would be missing", "make it a readable TOML file in UTF-8"))
        return {}
    wrong += problems
    return given


def _refusal(wrong: tuple[Problem, ...], undone: str) -> str:
    """Return one line a problem, under a heading."""
    many = "one problem" if len(wrong) == 1 else f"{len(wrong)} problems"
    lines = [f"ecs-supervisor: {many}, {undone}"]
    return "\n".join([*lines, *(f"  - {problem}." for problem in wrong)]) + "\n"
