"""Reads the command line, the environment and the TOML file of `sqsd` into settings, or into what to say instead. Pure."""

from __future__ import annotations

from supervisor.config.load import Answer, gather
from supervisor.config.option_text import options_help

from .options import ALONE, SPELLINGS, USAGE, WITH_COMMAND
from .resolve import resolve
from .settings import SqsdSettings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def load(
    argv: list[str], environ: Mapping[str, str], read_file: Callable[[str], str]
) -> SqsdSettings | Answer:
    """Return the settings, or an answer with every problem there is.

    argv: what follows `sqsd`. read_file: returns a file's text, raises OSError or ValueError.
    """
    table = WITH_COMMAND if "--" in argv else ALONE
    gathered = gather(_in_our_spelling(argv), environ, read_file, table)
    if gathered.help_wanted:
        return Answer(0, sqsd_help(), ())
    settings = resolve(gathered.given, gathered.command, environ, read_file)
    if gathered.is_good and isinstance(settings, SqsdSettings):
        return settings
    return gathered.refusal(settings)


def sqsd_help() -> str:
    """Return what `sqsd --help` prints."""
    return f"""Usage: {USAGE}

Takes messages from SQS and posts each to a web app, as Elastic Beanstalk's worker daemon does: 200 deletes a message, anything
else lets it come back. The ECS task is protected while messages are at work; at a stop it takes no more, finishes those that
have begun, and gives back the others at once. With WEB COMMAND it starts the app as well, and stops it last.

Options (flags win over environment variables, those over the file; --http-path is ECS_SUPERVISOR_HTTP_PATH and `http-path`;
Elastic Beanstalk's spelling, as in --HttpPath, is understood for its own):
{options_help(ALONE.options.values())}

Exit status: 0 when all work has ended or the time was up, with WEB COMMAND the app's own; 64 wrong usage; 78 unusable
configuration; 70 a defect of the supervisor; 126, 127 WEB COMMAND cannot be executed, is not found.
"""


def _in_our_spelling(argv: list[str]) -> list[str]:
    end = argv.index("--") if "--" in argv else len(argv)
    return [_respelled(word) for word in argv[:end]] + argv[end:]


def _respelled(word: str) -> str:
    flag, equals, value = word.partition("=")
    return f"{SPELLINGS.get(flag, flag)}{equals}{value}"
