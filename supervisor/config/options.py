"""The table of the options of `run`: name, unit, default, limits and help, each in one place."""

from __future__ import annotations

from .attach import ATTACH_VARIABLE
from .option import DAY_SECONDS, PREFIX, Option, Table, row, switches
from .profiles import PROFILES

# Set by the supervisor for its worker, and so allowed in the environment of a supervisor inside a worker.
HOLD_WAIT_VARIABLE = f"{PREFIX}HOLD_WAIT"
WORKER_VARIABLES = (HOLD_WAIT_VARIABLE, ATTACH_VARIABLE)

# ECS accepts 1 to 2880 minutes for a task's protection (UpdateTaskProtection, API reference).
_LEASE_MINUTES = (1.0, 2880.0)

STOP_SIGNALS = ("TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "WINCH", "RTMIN+3")

_ROWS = (
    row("config", "FILE", "none", "the TOML file with the same options under [run]", has_default=False),
    row(
        "stop_timeout",
        "SECONDS",
        "30",
        "what ECS gives between the stop signal and SIGKILL: stopTimeout in the container definition",
        limits=(1.0, DAY_SECONDS),
    ),
    row(
        "exit_margin",
        "SECONDS",
        "2, at most a tenth of the stop timeout",
        "the time kept back so that the supervisor exits before ECS kills it",
        has_default=False,
    ),
    row(
        "stop_sequence",
        "STAGES",
        "the profile's",
        "what to send and how long to wait, as in `QUIET 20 TERM 7 KILL`",
        has_default=False,
    ),
    row(
        "stop_signals",
        "NAMES",
        "TERM,INT,QUIT",
        f"the signals that mean stop, out of {', '.join(STOP_SIGNALS)}",
    ),
    row("dump_signal", "NAME", "RTMIN+4", "the signal that prints snapshot and journal on stderr, or `none`"),
    row(
        "signal_target",
        "",
        "the profile's",
        "who gets stop and forwarded signals: the worker's main process or its whole group",
        choices=("main", "group"),
        has_default=False,
    ),
    row(
        "profile",
        "",
        "auto",
        "the kind of worker; `auto` recognises it from COMMAND, and takes `plain` for what it does not know",
        choices=("auto", *PROFILES),
    ),
    row(
        "attach",
        "",
        "auto",
        "whether the hook of the worker's framework is attached (`auto`) or not (`none`, or short `--no-attach`)",
        choices=("auto", "none"),
    ),
    row(
        "protect",
        "WHEN",
        "at-start",
        "when to protect the task: `at-start` of a job, `before-start` (the job waits), `after=SECONDS`, or `never`",
        limits=(0.0, DAY_SECONDS),
    ),
    row(
        "protect_wait",
        "SECONDS",
        "10",
        "the longest a job waits for protection, with before-start",
        limits=(0.1, 3600.0),
    ),
    row(
        "protect_failure",
        "",
        "open",
        "whether a job that could not be protected starts (`open`) or not (`closed`), with before-start",
        choices=("open", "closed"),
    ),
    row(
        "when_blocked",
        "",
        "quiet",
        "what to do when ECS refuses protection because a deployment waits for this task",
        choices=("quiet", "keep-trying"),
    ),
    row(
        "lease",
        "MINUTES",
        "60",
        "how long ECS protects the task each time, from 1 to 2880",
        limits=_LEASE_MINUTES,
    ),
    row(
        "renew_before",
        "MINUTES",
        "half the lease",
        "how much of the lease is left when it is asked for again",
        limits=(0.0, 2880.0),
        has_default=False,
    ),
    row("release_delay", "SECONDS", "30", "how long protection is kept after the last job"),
    row(
        "protected_budget",
        "MINUTES",
        "0",
        "the longest the task stays protected without a pause, so that deployments get through (0: no limit)",
        limits=(0.0, 525_600.0),
    ),
    row(
        "release_window",
        "SECONDS",
        "120",
        "how long the pause after the protected budget lasts",
        limits=(1.0, 3600.0),
    ),
    row(
        "restart",
        "",
        "never",
        "whether a worker that exits by itself is started again",
        choices=("never", "on-failure", "always"),
    ),
    row("remap_exit", "FROM=TO,...", "none", "exit statuses to replace, as in `143=0`", has_default=False),
    row(
        "socket",
        "PATH",
        "auto",
        "the hooks' socket: a path, `none`, or `auto` for one in /run, /dev/shm or /tmp",
    ),
    row(
        "api",
        "ADDRESS",
        "auto",
        "where the local API listens: `unix:PATH`, `HOST:PORT`, `none`, or `auto` for a unix socket beside the hooks'; may be repeated",
    ),
    row(
        "api_token_file",
        "FILE",
        "none",
        "a file with the token that quiet, resume and drain then need over the API; it is read anew each time",
        has_default=False,
    ),
    row(
        "api_remote",
        "",
        "no",
        "whether the API may listen where others than this task can reach it",
        choices=("no", "yes"),
    ),
    row(
        "socket_mode",
        "OCTAL",
        "0600",
        "who may use the unix sockets, as in `0660`; whoever may can keep the task alive",
    ),
    row(
        "socket_group",
        "GROUP",
        "the supervisor's",
        "the group of the unix sockets, by name or number",
        has_default=False,
    ),
    row(
        "arbitrate",
        "",
        "no",
        "whether the worker finds the supervisor at ECS_AGENT_URI, so that code that speaks to ECS itself is one holder among others",
        choices=("no", "yes"),
    ),
    row(
        "probe",
        "PROBE",
        "none",
        "a way to see work without a hook, as in `children` or `title=REGEX`; may be repeated (in the variable: parted by `;`)",
        has_default=False,
    ),
    row(
        "probe_settle",
        "SECONDS",
        "the probe's",
        "how long a probe must see nothing but idle before that is believed; every stop of an idle worker takes as long",
        limits=(0.0, 600.0),
        has_default=False,
    ),
    row(
        "ready_file",
        "PATH",
        "none",
        "a file that exists exactly while new work is welcome, for a health check: it goes first at a stop, and when quiet",
        has_default=False,
    ),
    row(
        "log_format",
        "",
        "auto",
        "how log lines look; `auto` is human on a terminal, else json",
        choices=("auto", "json", "human"),
    ),
    row("log_level", "", "info", "the least important lines to print", choices=("info", "warning", "error")),
)

OPTIONS: dict[str, Option] = {option.key: option for option in _ROWS}

# What concerns protection, for every command that asks for it.
PROTECTION = (
    "protect",
    "protect_wait",
    "protect_failure",
    "when_blocked",
    "lease",
    "renew_before",
    "release_delay",
    "protected_budget",
    "release_window",
)

LOG = ("log_format", "log_level")

RUN = Table(
    "run",
    "ecs-supervisor run [OPTIONS] [--] COMMAND [ARGUMENTS]",
    OPTIONS,
    {"--no-attach": ("attach", "none"), **switches(_ROWS)},
    takes_command=True,
)
