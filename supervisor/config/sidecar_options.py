"""The table of the options of `sidecar`: its own, and those of `run` that mean something where another container runs the worker."""

from __future__ import annotations

from .option import Option, Table, switches
from .options import LOG, OPTIONS, PROTECTION

# Of `run`: those that are not about starting, attaching to or looking into a worker of our own.
_SHARED = (
    "stop_timeout",
    "exit_margin",
    "stop_signals",
    "dump_signal",
    *PROTECTION,
    "socket",
    "api_token_file",
    "api_remote",
    "socket_mode",
    "socket_group",
    "arbitrate",
    "ready_file",
    *LOG,
)


def _own(
    key: str,
    value: str,
    default: str,
    meaning: str,
    *,
    choices: tuple[str, ...] = (),
    has_default: bool = False,
) -> Option:
    return Option(key, value or "|".join(choices), default, has_default, (0.0, 0.0), choices, meaning)


_YES_OR_NO = ("no", "yes")

# All containers of a task share this address with awsvpc, and no other task does.
API = "127.0.0.1:8126"

_ROWS = (
    _own(
        "worker_container",
        "NAME",
        "none",
        "the worker's container, as the task definition calls it; with pidMode `task` its processes are found by it",
    ),
    _own(
        "worker_pattern",
        "REGEX",
        "none",
        "the worker's processes by their command lines, with pidMode `task`; the oldest is its main process",
    ),
    _own(
        "early_notice",
        "",
        "no",
        "whether this container is stopped before the worker's, because it depends on it: work is then waited for"
        " before ECS signals the worker",
        choices=_YES_OR_NO,
        has_default=True,
    ),
    _own(
        "stop_worker",
        "",
        "no",
        "whether the worker gets its stop signal from here when nothing is in flight, and its exit is waited for;"
        " with --early-notice",
        choices=_YES_OR_NO,
        has_default=True,
    ),
    _own(
        "api",
        "ADDRESS",
        API,
        OPTIONS["api"].meaning.replace("beside the hooks'", "of its own, for who shares a volume"),
        has_default=True,
    ),
    _own(
        "profile",
        "",
        "plain",
        "the kind of worker, where its processes are seen: which signals make it quiet and stop it",
        choices=OPTIONS["profile"].choices,
        has_default=True,
    ),
    _own(
        "stop_sequence",
        "STAGES",
        "to wait nearly all the time; with --stop-worker the profile's",
        OPTIONS["stop_sequence"].meaning,
    ),
    _own("config", "FILE", "none", "the TOML file with the same options under [sidecar]"),
    *(OPTIONS[key] for key in _SHARED),
)

SIDECAR = Table(
    "sidecar",
    "ecs-supervisor sidecar [OPTIONS]",
    {option.key: option for option in _ROWS},
    switches(_ROWS),
    takes_command=False,
)
