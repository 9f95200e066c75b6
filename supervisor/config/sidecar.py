"""Reads what a sidecar is told: the options of `run` that mean something where another container runs the worker, and its own."""

from __future__ import annotations

import re

from supervisor.core.frozen import Frozen
from supervisor.core.problem import Problem
from supervisor.core.sequence import default_stages, parse

from .load import Answer, gather
from .option_text import options_help
from .options import OPTIONS
from .profiles import PROFILES
from .reading import Given, Reader
from .resolve import resolve
from .settings import RunSettings
from .sidecar_options import API, SIDECAR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Where nobody gets a stop signal from us, all the time is for the work; what is left is for the exit of a worker that ECS has
# signalled itself. The signal stands for that stage only: it is not sent.
_WAITING, _ = parse("QUIET 95 TERM 5 KILL")

# What `resolve` takes for the worker's command. It names no kind of worker.
_COMMAND = ("sidecar",)

# Our own, where the option says nothing. Nothing is attached to a worker that somebody else has started.
_DEFAULTS = {
    "api": Given(API, "the default of a sidecar"),
    "attach": Given("none", "the default of a sidecar"),
}


class SidecarSettings(Frozen):
    """run: what a sidecar has in common with `run`. Everything has been checked, also against the rest.

    container, pattern: how the worker's processes are found, each None where they are not found so. early_notice: we are
    stopped before the worker. stops_worker: it gets its stop signal from us.
    """

    run: RunSettings
    container: str | None
    pattern: re.Pattern[str] | None
    early_notice: bool
    stops_worker: bool


def load(
    argv: list[str], environ: Mapping[str, str], read_file: Callable[[str], str]
) -> SidecarSettings | Answer:
    """Return the settings, or an answer with every problem there is.

    argv: what follows `sidecar`. read_file: returns a file's text, raises OSError or ValueError.
    """
    gathered = gather(argv, environ, read_file, SIDECAR)
    if gathered.help_wanted:
        return Answer(0, sidecar_help(), ())
    settings = _resolve(gathered.given, environ, read_file)
    if gathered.is_good and isinstance(settings, SidecarSettings):
        return settings
    return gathered.refusal(settings)


def doubts(settings: SidecarSettings) -> tuple[str, ...]:
    """Return what the settings of a sidecar allow but the user may not have meant, as sentences."""
    profile = settings.run.profile
    if settings.early_notice and profile.name != "plain" and profile.quiet_signal is None:
        return (
            f"The profile `{profile.name}` has no signal that makes the worker quiet:"
            " it has to ask the API or a hook whether new work is welcome.",
        )
    return ()


def sidecar_help() -> str:
    """Return what `sidecar --help` prints."""
    return f"""Usage: {SIDECAR.usage}

Protects the ECS task while a worker in another container of it works, and lets ECS stop the task when nothing is in flight.
The worker says what it does over the local API, which all containers of a task reach at 127.0.0.1, or over a socket on a volume
that both containers mount.

Options (flags win over environment variables, those over the file; --lease is ECS_SUPERVISOR_LEASE and `lease`):
{options_help(SIDECAR.options.values())}

Exit status: 0 when all work has ended or the time was up; 64 wrong usage; 78 unusable configuration; 70 a defect.
"""


def _resolve(
    given: Mapping[str, Given], environ: Mapping[str, str], read_file: Callable[[str], str]
) -> SidecarSettings | tuple[Problem, ...]:
    reader = Reader(given, SIDECAR.options)
    container, pattern = reader.given("worker_container"), _pattern(reader)
    early_notice = reader.choice("early_notice") == "yes"
    stops_worker = reader.choice("stop_worker") == "yes"
    if container is not None and reader.given("worker_pattern") is not None:
        reader.refuse(
            "worker_pattern", "is given beside a container", "name the worker in one of the two ways"
        )
    if stops_worker and container is None and reader.given("worker_pattern") is None:
        fix = "give --worker-container or --worker-pattern as well, and pidMode `task` in the task definition"
        reader.refuse("stop_worker", "is given, but nobody to stop", fix)
    if stops_worker and not early_notice and reader.is_good("early_notice"):
        fix = "add --early-notice if this container depends on the worker's, or leave it out: ECS stops the worker"
        reader.refuse("stop_worker", "is given without --early-notice", fix)
    run = resolve(_DEFAULTS | _of_run(given), _COMMAND, environ, read_file)
    if reader.problems or not isinstance(run, RunSettings):
        return (*reader.problems, *(run if isinstance(run, tuple) else ()))
    if container is None and pattern is None:
        # Whom we cannot see we cannot signal: it is told to be quiet by those who connect, which can be taken back.
        run = run.replaced(profile=PROFILES["plain"])
    if not stops_worker:
        run = run.replaced(profile=run.profile.replaced(stop_drains=False))
        if "stop_sequence" not in given:
            # A worker that ECS has signalled already needs no signal to be quiet.
            quiet = _WAITING[0].replaced(signal=run.profile.quiet_signal if early_notice else None)
            shape = (quiet, *_WAITING[1:])
            run = run.replaced(stages=default_stages(shape, run.stop_timeout, run.exit_margin))
    return SidecarSettings(run, container, pattern, early_notice, stops_worker)


def _of_run(given: Mapping[str, Given]) -> dict[str, Given]:
    return {key: value for key, value in given.items() if key in OPTIONS}


def _pattern(reader: Reader) -> re.Pattern[str] | None:
    text = reader.given("worker_pattern")
    if text is None:
        return None
    try:
        return re.compile(text)
    except re.error as error:
        fix = "give a regular expression as Python has them, as in `celery.*worker`"
        reader.refuse("worker_pattern", f"is `{text}`, which cannot be read ({error})", fix)
        return None
