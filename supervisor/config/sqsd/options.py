"""The table of the options of `sqsd`: Elastic Beanstalk's, by its own names, then ours, then those it shares with `run`."""

from __future__ import annotations

from supervisor import __version__
from supervisor.config.option import Option, Table, row, switches
from supervisor.config.options import LOG, OPTIONS, PROTECTION

# What SQS takes as a visibility timeout.
_VISIBILITY_SECONDS = (0.0, 43_200.0)

# Elastic Beanstalk's own version on its last platforms. Middleware looks at how this begins, some applications at the number.
AGENT = f"aws-sqsd/3.0.4 (ecs-supervisor/{__version__})"

_NO_YES = ("no", "yes")
_YES_NO = ("yes", "no")


_ELASTIC_BEANSTALK = (
    row(
        "queue_url",
        "URL",
        "none",
        "a queue's URL, as in `https://sqs.eu-west-1.amazonaws.com/123456789012/jobs`; may be repeated (in the variable:"
        " parted by spaces), with a weight as in `URL,3`",
        has_default=False,
    ),
    row("http_path", "PATH", "/", "the path to which messages are posted"),
    row("mime_type", "TYPE", "application/json", "the Content-Type of the requests"),
    row(
        "http_connections",
        "COUNT",
        "5",
        "how many messages are posted at once, and so how many are with this task at all",
        limits=(1.0, 100.0),
    ),
    row("connect_timeout", "SECONDS", "5", "how long connecting to the app may take", limits=(1.0, 60.0)),
    row(
        "inactivity_timeout",
        "SECONDS",
        "299",
        "how long the app may say nothing before it is given up",
        limits=(1.0, 36_000.0),
    ),
    row(
        "visibility_timeout",
        "SECONDS",
        "300",
        "how long a received message is hidden from others, and by how much that is extended while it is at work",
        limits=(1.0, 43_200.0),
    ),
    row(
        "error_visibility_timeout",
        "SECONDS",
        "2",
        "how long a message that failed stays hidden",
        limits=_VISIBILITY_SECONDS,
    ),
    row(
        "retention_period",
        "SECONDS",
        "none",
        "after how long since its first receive a message is deleted unprocessed; Elastic Beanstalk does so after 345600",
        limits=(60.0, 1_209_600.0),
        has_default=False,
    ),
    row(
        "max_retries",
        "COUNT",
        "none",
        "how often a message should be received before it is a dead letter: only compared with the queue, which decides it",
        limits=(1.0, 1000.0),
        has_default=False,
    ),
)

_OURS = (
    row(
        "queue_order",
        "",
        "weighted",
        "whether queues get shares by their weights, or each nothing while one before it has messages (`strict`)",
        choices=("weighted", "strict"),
    ),
    row("region", "REGION", "the queue's", "the AWS region", has_default=False),
    row("endpoint_url", "URL", "AWS's", "another address of SQS, for emulators", has_default=False),
    row(
        "http_address",
        "ADDRESS",
        "127.0.0.1",
        "where the app listens; the middlewares of web frameworks take jobs from the same machine only",
    ),
    row("http_port", "PORT", "80", "the port at which the app listens", limits=(1.0, 65_535.0)),
    row(
        "http_remote", "", "no", "whether the app may be at another address than this task's", choices=_NO_YES
    ),
    row("http_host", "HOST", "localhost", "the Host header of the requests"),
    row(
        "user_agent",
        "TEXT",
        AGENT,
        "the User-Agent of the requests; frameworks want it to begin with `aws-sqsd`",
    ),
    row(
        "forwarded_proto",
        "",
        "none",
        "the X-Forwarded-Proto of the requests: `https` gets past an app that redirects to https",
        choices=("none", "http", "https"),
    ),
    row(
        "success_status",
        "STATUSES",
        "200",
        "the statuses that mean success, as in `200,204`, or `2xx`; with any other a message comes back",
    ),
    row(
        "extend_visibility",
        "",
        "yes",
        "whether a message stays hidden for as long as the app works on it",
        choices=_YES_NO,
    ),
    row(
        "inactive_visibility_timeout",
        "SECONDS",
        "none",
        "how long a message stays hidden whose app was given up; without, until its visibility timeout: its job may still run",
        limits=_VISIBILITY_SECONDS,
        has_default=False,
    ),
    row(
        "poll_wait",
        "SECONDS",
        "a sixth of the stop timeout, at most 20",
        "how long a poll waits for messages; a stop waits for it, because what an abandoned one takes is lost for a while",
        limits=(1.0, 20.0),
        has_default=False,
    ),
    row(
        "health_path",
        "PATH",
        "none",
        "a path that the app answers when it can work: only then messages are taken; without, its port has to be open",
        has_default=False,
    ),
    row(
        "health_every",
        "SECONDS",
        "none",
        "how often that is asked while the app is well; without, only when it is not",
        limits=(1.0, 3600.0),
        has_default=False,
    ),
    row(
        "periodic",
        "",
        "yes",
        "whether messages may choose their path, as those of periodic tasks do; whoever may send to the queue may then",
        choices=_YES_NO,
    ),
    row(
        "cron",
        "FILE",
        "none",
        "a cron.yaml whose periodic tasks are sent to the first queue, by one of all tasks that have it",
        has_default=False,
    ),
    row(
        "cron_table",
        "NAME",
        "none",
        "the DynamoDB table by which tasks agree on who sends; not needed for a FIFO queue",
        has_default=False,
    ),
    row("config", "FILE", "none", "the TOML file with the same options under [sqsd]", has_default=False),
)

# Of `run`: those that are not about hooks and probes in the worker. Here the messages tell whether there is work.
_SHARED = (
    "stop_timeout",
    "exit_margin",
    "stop_sequence",
    "stop_signals",
    "dump_signal",
    "signal_target",
    "profile",
    *PROTECTION,
    "restart",
    "remap_exit",
    "ready_file",
    *LOG,
)

PROTECT = "before-start"

_DIFFERENT = {"protect": (PROTECT, OPTIONS["protect"].meaning)}


def _shared(key: str) -> Option:
    option = OPTIONS[key]
    default, meaning = _DIFFERENT.get(key, (option.default, option.meaning))
    return Option(key, option.value, default, option.has_default, option.limits, option.choices, meaning)


_ROWS = (*_ELASTIC_BEANSTALK, *_OURS, *(_shared(key) for key in _SHARED))

USAGE = "ecs-supervisor sqsd --queue-url URL [OPTIONS] [-- WEB COMMAND [ARGUMENTS]]"

# Words after `--` are a command; without it there is none.
ALONE = Table("sqsd", USAGE, {option.key: option for option in _ROWS}, switches(_ROWS), takes_command=False)
WITH_COMMAND = Table("sqsd", USAGE, ALONE.options, ALONE.switches, takes_command=True)


def _own_name(option: Option) -> str:
    return "".join(word.capitalize() for word in option.key.split("_"))


# The flags in Elastic Beanstalk's spelling, as they stand in the option settings that people bring with them.
SPELLINGS = {
    "--WorkerQueueURL": "--queue-url",
    **{f"--{_own_name(option)}": option.flag for option in _ELASTIC_BEANSTALK},
}
