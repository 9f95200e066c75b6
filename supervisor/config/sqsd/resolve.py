"""Makes settings of what was given to `sqsd`: every value read, the options checked against each other."""

from __future__ import annotations

from supervisor.config.eb_cron.file import read_cron
from supervisor.config.options import OPTIONS
from supervisor.config.profiles import Profile
from supervisor.config.reading import Given, Reader, why_unreadable
from supervisor.config.resolve import resolve as resolve_run
from supervisor.config.settings import RunSettings
from supervisor.core.delivery.policy import LONGEST_WAIT_SECONDS, POLL_MARGIN_SECONDS
from supervisor.core.sequence import Stage, default_stages, parse

from .app import read_app
from .options import ALONE, PROTECT
from .queues import endpoint_of, read_queues, region_of
from .settings import SqsdSettings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from supervisor.config.eb_cron.tasks import Task
    from supervisor.core.problem import Problem

    from .queues import QueueSpec

# Where a poll waits long, an idle task takes long to stop; where it waits short, polling costs more. A sixth is 5 s of the
# 30 s that ECS gives by default, and all of SQS's 20 s at Fargate's most, 120 s.
_WAIT_SHARE = 1 / 6

# Of the time there is: deliveries first, then the app. Alone there is nobody to stop, and the last stage is only a bound.
_ALONE_SHAPE = "QUIET 95 TERM 5 KILL"
_WITH_APP_SHAPE = "QUIET 75 {signal} 25 KILL"

# What `run` takes for its command where there is none. It names no kind of worker.
_NO_COMMAND = ("sqsd",)

# Messages tell whether there is work, so nothing is attached to the app.
_DEFAULTS = {
    "attach": Given("none", "the default of sqsd"),
    "protect": Given(PROTECT, "the default of sqsd"),
}


def resolve(
    given: Mapping[str, Given],
    command: tuple[str, ...],
    environ: Mapping[str, str],
    read_file: Callable[[str], str],
) -> SqsdSettings | tuple[Problem, ...]:
    """Return settings, or all problems at once. `given` is by option key, `environ` for what ECS itself sets."""
    reader = Reader(given, ALONE.options)
    run, wrong = _run(given, command, environ, read_file)
    if not wrong:
        run = _with_stages(reader, run, wraps=bool(command))
    # What is left of a stop sequence that was refused says nothing about how long a poll may wait.
    is_timed = not wrong and reader.is_good("stop_sequence")
    budget = run.stages[0].seconds if is_timed else float("inf")
    queues = read_queues(reader)
    app = read_app(reader)
    region, endpoint_url = _service(reader, queues)
    settings = SqsdSettings(
        run=run,
        wraps=bool(command),
        queues=queues,
        is_strict=_is_strict(reader, queues),
        region=region,
        endpoint_url=endpoint_url,
        app=app,
        connections=_whole(reader, "http_connections"),
        visibility_timeout=_visibility(reader, app.inactivity_timeout),
        keeps_leases=reader.choice("extend_visibility") == "yes",
        error_visibility=_whole(reader, "error_visibility_timeout"),
        inactive_visibility=_whole_if_given(reader, "inactive_visibility_timeout"),
        retention=_whole_if_given(reader, "retention_period"),
        max_retries=_whole_if_given(reader, "max_retries"),
        wait=_wait(reader, run.stop_timeout, budget),
        stop_budget=budget,
        cron=_cron(reader, queues, read_file),
        cron_table=_cron_table(reader),
    )
    return (*reader.problems, *wrong) or settings


def _run(
    given: Mapping[str, Given],
    command: tuple[str, ...],
    environ: Mapping[str, str],
    read_file: Callable[[str], str],
) -> tuple[RunSettings, tuple[Problem, ...]]:
    """Return what `run` makes of the options it knows; its defaults, and the problems, where it refuses them."""
    shared = {key: value for key, value in given.items() if key in OPTIONS and key != "config"}
    run = resolve_run(_DEFAULTS | shared, command or _NO_COMMAND, environ, read_file)
    if isinstance(run, RunSettings):
        return run, ()
    plain = resolve_run(_DEFAULTS, _NO_COMMAND, {}, read_file)
    assert isinstance(plain, RunSettings)
    return plain, run


def _with_stages(reader: Reader, run: RunSettings, wraps: bool) -> RunSettings:
    """Let deliveries end before anything is sent to the app: a server that got its stop signal takes none any more."""
    if reader.given("stop_sequence") is None:
        shape, _ = parse(_WITH_APP_SHAPE.format(signal=run.profile.stop_signal) if wraps else _ALONE_SHAPE)
        run = run.replaced(stages=default_stages(shape, run.stop_timeout, run.exit_margin))
    elif not _begins_quiet(run.stages):
        fix = "begin with QUIET and the seconds for deliveries, as in `QUIET 20 TERM 7 KILL`"
        reader.refuse("stop_sequence", "sends a signal before the deliveries have ended", fix)
    return run.replaced(profile=_quieted(run.profile))


def _quieted(profile: Profile) -> Profile:
    """Return the profile of an app that hears nothing until it is to stop."""
    return profile.replaced(quiet_signal=None, resume_signal=None, resumable=True, stop_drains=False)


def _begins_quiet(stages: tuple[Stage, ...]) -> bool:
    return stages[0].kind == "quiet" and stages[0].signal is None


def _service(reader: Reader, queues: tuple[QueueSpec, ...]) -> tuple[str | None, str | None]:
    """Return region and endpoint: as given, else as the queues have them."""
    regions = {region_of(queue.url) for queue in queues}
    endpoints = {endpoint_of(queue.url) for queue in queues}
    if len(regions) > 1 or len(endpoints) > 1:
        fix = "run one `sqsd` for each region"
        reader.refuse("queue_url", "names queues of different regions or addresses", fix)
    endpoint = reader.given("endpoint_url") or next(iter(endpoints), None)
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        reader.refuse("endpoint_url", f"is `{endpoint}`", "begin it with http:// or https://")
    return reader.given("region") or next(iter(regions), None), endpoint


def _is_strict(reader: Reader, queues: tuple[QueueSpec, ...]) -> bool:
    is_strict: bool = reader.choice("queue_order") == "strict"
    if is_strict and any(queue.weight != 1 for queue in queues):
        fix = "leave out the weights, or the order"
        reader.refuse("queue_order", "is `strict` although queues have weights", fix)
    return is_strict


def _visibility(reader: Reader, inactivity_timeout: float) -> int:
    seconds = _whole(reader, "visibility_timeout")
    is_short = inactivity_timeout >= seconds and reader.text("extend_visibility") == "no"
    if is_short and reader.is_good("visibility_timeout", "inactivity_timeout"):
        reader.refuse(
            "visibility_timeout",
            f"is {seconds} s while the app may take {inactivity_timeout:g} s, and it is not extended, so a message that"
            " is still at work would be delivered again",
            "let it be extended, or make it longer than the inactivity timeout",
        )
    return seconds


def _wait(reader: Reader, stop_timeout: float, budget: float) -> int:
    """Return how long a poll waits: no stop may have to give one up."""
    longest = budget - POLL_MARGIN_SECONDS
    if reader.given("poll_wait") is None:
        share = int(min(LONGEST_WAIT_SECONDS, max(1.0, stop_timeout * _WAIT_SHARE), longest))
        if share < 1:
            what = f"leaves {budget:g} s for deliveries, and the shortest poll needs {1 + POLL_MARGIN_SECONDS:g} s"
            key = "stop_timeout" if reader.given("stop_sequence") is None else "stop_sequence"
            reader.refuse(key, what, "raise the stop timeout here and in the task definition")
        return share
    wait = _whole(reader, "poll_wait")
    if reader.is_good("poll_wait") and wait > longest:
        reader.refuse(
            "poll_wait",
            f"is {wait} s, but a stop leaves {budget:g} s for deliveries, and an abandoned poll goes on taking messages",
            f"give at most {max(0, int(longest))}, or raise the stop timeout",
        )
    return wait


def _cron(reader: Reader, queues: tuple[QueueSpec, ...], read_file: Callable[[str], str]) -> tuple[Task, ...]:
    """Return the periodic tasks of the file."""
    path = reader.given("cron")
    if path is None:
        return ()
    if reader.given("cron_table") is None and queues and not queues[0].is_fifo:
        fix = (
            "name a DynamoDB table with --cron-table, make the first queue FIFO,"
            " or use EventBridge Scheduler (`ecs-supervisor eb-cron`)"
        )
        reader.refuse("cron", "is given for a standard queue, where every task would send every run", fix)
    try:
        tasks, problems = read_cron(read_file(path), path)
    except (OSError, ValueError) as error:
        reader.refuse(
            "cron",
            f"names {path}, which cannot be read ({why_unreadable(error)})",
            "name a readable file in UTF-8",
        )
        return ()
    for problem in problems:
        reader.add("cron", problem)
    return tasks


def _cron_table(reader: Reader) -> str | None:
    table = reader.given("cron_table")
    if table is not None and reader.given("cron") is None:
        reader.refuse("cron_table", "is given without periodic tasks", "give --cron as well, or leave it out")
    return table


def _whole(reader: Reader, key: str) -> int:
    number = reader.number(key)
    if reader.is_good(key) and not number.is_integer():
        reader.refuse(key, f"is {number:g}", "give a whole number: SQS takes no fractions")
    return int(number)


def _whole_if_given(reader: Reader, key: str) -> int | None:
    return None if reader.given(key) is None else _whole(reader, key)
