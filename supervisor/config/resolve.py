"""Makes settings of what the user gave: every value read, the options checked against each other."""

from __future__ import annotations

from supervisor.core.problem import Problem
from supervisor.core.sequence import (
    SIGNAL_NAMES,
    Stage,
    bare_name,
    default_exit_margin,
    default_stages,
    parse,
    problems,
)

from .options import STOP_SIGNALS
from .profiles import PROFILES, WITHOUT_HOOK, Profile
from .reading import Reader, check_path, did_you_mean
from .recognise import recognise
from .settings import PLAIN_API, RunSettings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .probes import ProbeSpec
    from .profiles import SignalTarget
    from .reading import Given
    from .recognise import Recognised
    from .settings import ApiSettings, Protect

# Options of the API and of sockets; where none is given nothing of them need be read.
_API = ("api", "api_token_file", "api_remote", "socket_mode", "socket_group", "arbitrate")

# The other signals report faults of a program, are sent by the kernel, or are needed to stop and wake the worker.
DUMP_SIGNALS = frozenset(
    name
    for name in SIGNAL_NAMES
    if name in ("HUP", "QUIT", "USR1", "USR2", "WINCH", "PWR") or name.startswith("RT")
)

_PLAIN_PROTECT: dict[str, Protect] = {
    "at-start": "at-start",
    "before-start": "before-start",
    "never": "never",
}

_STATUSES = range(256)


def resolve(
    given: Mapping[str, Given],
    command: tuple[str, ...],
    environ: Mapping[str, str],
    read_file: Callable[[str], str],
) -> RunSettings | tuple[Problem, ...]:
    """Return settings, or all problems at once. `given` is by option key, `environ` for what ECS itself sets."""
    reader = Reader(given)
    recognised = recognise(command, read_file)
    profile = _profile(reader, recognised)
    stop_timeout = reader.number("stop_timeout")
    exit_margin = _exit_margin(reader, stop_timeout)
    stop_signals = _stop_signals(reader)
    protect, protect_after = _protect(reader)
    lease = _lease(reader)
    settings = RunSettings(
        command=command,
        stop_timeout=stop_timeout,
        exit_margin=exit_margin,
        stages=_stages(reader, profile, stop_timeout, exit_margin),
        stop_signals=stop_signals,
        dump_signal=_dump_signal(reader, stop_signals),
        signal_target=_signal_target(reader, profile),
        profile=profile,
        recognised=recognised,
        attaches=reader.choice("attach") == "auto",
        protect=protect,
        protect_after=protect_after,
        protect_wait=reader.number("protect_wait"),
        protect_failure=reader.choice("protect_failure"),
        when_blocked=reader.choice("when_blocked"),
        lease_minutes=lease,
        renew_before_minutes=_renew_before(reader, lease),
        release_delay=reader.number("release_delay"),
        protected_budget_minutes=reader.number("protected_budget"),
        release_window=reader.number("release_window"),
        restart=reader.choice("restart"),
        remap_exit=_remap_exit(reader),
        socket=_socket(reader, protect),
        api=_api(reader),
        probes=_probes(reader),
        ready_file=_ready_file(reader),
        log_format=reader.choice("log_format"),
        log_level=reader.choice("log_level"),
        agent_uri=environ.get("ECS_AGENT_URI") or None,
        metadata_uri=environ.get("ECS_CONTAINER_METADATA_URI_V4") or None,
    )
    return tuple(reader.problems) or settings


def _profile(reader: Reader, recognised: Recognised | None) -> Profile:
    named = reader.choice("profile")
    if named == "auto" and recognised is not None:
        named = recognised.name
    if reader.choice("attach") != "auto" or reader.text("socket") == "none":
        return WITHOUT_HOOK.get(named) or PROFILES.get(named, PROFILES["plain"])
    return PROFILES.get(named, PROFILES["plain"])


def _exit_margin(reader: Reader, stop_timeout: float) -> float:
    if reader.given("exit_margin") is None:
        return default_exit_margin(stop_timeout)
    margin = reader.number("exit_margin")
    if reader.is_good("stop_timeout", "exit_margin") and margin > stop_timeout / 2:
        reader.refuse(
            "exit_margin",
            f"is {margin:g} s, and the stop timeout is {stop_timeout:g} s",
            "leave at least half of the stop timeout to the worker",
        )
    return margin


def _stages(reader: Reader, profile: Profile, stop_timeout: float, exit_margin: float) -> tuple[Stage, ...]:
    text = reader.given("stop_sequence")
    times_are_good = reader.is_good("stop_timeout", "exit_margin")
    if text is None:
        if not times_are_good:
            return ()
        if _is_never_quiet(reader, profile):
            shape, _ = parse(profile.shape)
            return default_stages(shape[1:], stop_timeout, exit_margin)
        return profile.stages(stop_timeout, exit_margin)
    stages, wrong = parse(text)
    # A half-read sequence would be blamed for what it lacks.
    if not wrong and times_are_good:
        wrong = problems(stages, stop_timeout, exit_margin)
    for problem in wrong:
        reader.add(
            "stop_sequence",
            Problem(f"{reader.where('stop_sequence')}: {problem.what}", problem.why, problem.fix),
        )
    return stages


def _is_never_quiet(reader: Reader, profile: Profile) -> bool:
    """Say whether nobody could tell the worker to be quiet but its own stop signal, while probes look for it to be idle.

    They would wait for a gap in a queue from which the worker goes on fetching, and then its shutdown would be short of time.
    """
    is_seen_only = reader.given("probe") is not None and reader.text("attach") == "none"
    starts_quiet = profile.shape.startswith("QUIET") and profile.quiet_signal is None
    return is_seen_only and profile.stop_drains and starts_quiet


def _stop_signals(reader: Reader) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(bare_name(word) for word in reader.words("stop_signals")))
    unknown = [name for name in names if name not in STOP_SIGNALS]
    if unknown or not names:
        named = f"names {', '.join(unknown)}" if unknown else "names no signal"
        reader.refuse("stop_signals", named, f"give some of {','.join(STOP_SIGNALS)}")
    return names


def _dump_signal(reader: Reader, stop_signals: tuple[str, ...]) -> str | None:
    text = reader.text("dump_signal")
    name = bare_name(text)
    if text.lower() == "none":
        return None
    if name not in DUMP_SIGNALS:
        fix = "give USR1, USR2, HUP, QUIT, WINCH, PWR, or a real-time signal as RTMIN+4; or `none`"
        reader.refuse("dump_signal", f"is `{text}`", fix)
    elif name in stop_signals:
        reader.refuse(
            "dump_signal",
            f"is {name}, which is a stop signal too",
            "choose another signal for one of the two",
        )
    return name


def _signal_target(reader: Reader, profile: Profile) -> SignalTarget:
    given = reader.given("signal_target") is not None
    target: SignalTarget = reader.choice("signal_target") if given else profile.signal_target
    return target


def _protect(reader: Reader) -> tuple[Protect, float]:
    text = reader.text("protect")
    if text in _PLAIN_PROTECT:
        return _PLAIN_PROTECT[text], 0.0
    when, equals, seconds = text.partition("=")
    if when == "after" and equals:
        after = reader.number_in("protect", seconds.strip())
        return "after", 0.0 if after is None else after
    words = ("at-start", "before-start", "after=30", "never")
    reader.refuse("protect", f"is `{text}`", f"give one of {', '.join(words)}{did_you_mean(text, words)}")
    return "never", 0.0


def _lease(reader: Reader) -> int:
    lease = reader.number("lease")
    if reader.is_good("lease") and not lease.is_integer():
        reader.refuse("lease", f"is {lease:g}", "give whole minutes: ECS takes no fractions")
    return int(lease)


def _renew_before(reader: Reader, lease: int) -> float:
    if reader.given("renew_before") is None:
        return lease / 2
    renew_before = reader.number("renew_before")
    if reader.is_good("lease", "renew_before") and not 0 < renew_before < lease:
        reader.refuse(
            "renew_before",
            f"is {renew_before:g} min, and the lease is {lease} min",
            "give more than 0 and less than the lease, so that there is time to ask again",
        )
    return renew_before


def _remap_exit(reader: Reader) -> dict[int, int]:
    remap: dict[int, int] = {}
    for pair in reader.words("remap_exit") if reader.given("remap_exit") is not None else ():
        numbers = [int(word) for word in pair.split("=") if word.strip().isascii() and word.strip().isdigit()]
        if pair.count("=") != 1 or len(numbers) != 2 or not set(numbers) <= set(_STATUSES):
            reader.refuse("remap_exit", f"has `{pair}`", "give pairs of numbers from 0 to 255, as in `143=0`")
        elif remap.setdefault(*numbers) != numbers[1]:
            reader.refuse("remap_exit", f"maps {numbers[0]} twice", "keep one of the two")
    return remap


def _probes(reader: Reader) -> tuple[ProbeSpec, ...]:
    if reader.given("probe") is None:
        if reader.given("probe_settle") is not None:
            reader.refuse("probe_settle", "is given without a probe", "give --probe as well, or leave it out")
        return ()
    # Only who has probes waits for what reads them.
    from .probes import read_probes

    return read_probes(reader)


def _ready_file(reader: Reader) -> str | None:
    path = reader.given("ready_file")
    if path is not None and not path.startswith("/"):
        fix = "give an absolute path: the health check may look from another directory"
        reader.refuse("ready_file", f"is `{path}`", fix)
    return path


def _api(reader: Reader) -> ApiSettings:
    if all(reader.given(key) is None for key in _API):
        return PLAIN_API
    # Only who wants another than the usual waits for what reads it.
    from .api import read_api

    return read_api(reader)


def _socket(reader: Reader, protect: Protect) -> str:
    text = reader.text("socket")
    if text == "none" and protect == "before-start" and reader.is_good("protect"):
        reader.refuse(
            "socket", "is `none` with before-start", "give a path: jobs ask for protection over this socket"
        )
    if text not in ("none", "auto"):
        check_path(reader, "socket", text, text)
    return text
