"""The flags and the help of the commands that ask a running supervisor."""

from __future__ import annotations

_WHERE = {"--api": "ADDRESS", "--pid": "PID"}
_TOKEN = {"--token-file": "FILE"}
_REASON = {"--reason": "TEXT"}

# Each with what its value is called, empty for one that has none.
FLAGS: dict[str, dict[str, str]] = {
    "status": {"--watch": "", "--json": "", **_WHERE},
    "holds": {"--json": "", **_WHERE},
    "quiet": {**_REASON, **_WHERE, **_TOKEN},
    "resume": {**_WHERE, **_TOKEN},
    "drain": {**_REASON, "--deadline": "SECONDS", "--now": "", "--wait": "", **_WHERE, **_TOKEN},
}

_WHAT = {
    "status": """\
Shows how the task stands, on one screen: its phase and since when, who works and for how long, whether and until when it
is protected, and what comes next by the clock. Times of day are UTC, as in the log.""",
    "holds": """\
Lists what is in flight, the oldest first: what it is about, who holds it, for how long, and when that ends by itself.""",
    "quiet": """\
Has the task take no new work, until `ecs-supervisor resume`. What is in flight goes on, and the supervisor stays.""",
    "resume": """\
Has a task that is quiet take new work again. One that is on its way out does not come back.""",
    "drain": """\
Ends the task in order: no new work, what is in flight is finished, the worker is asked to exit, and we exit with its status.
Without a deadline that takes as long as the work does; ECS then starts another task, if the service wants one.""",
}

_MEANINGS = {
    "--watch": "look again every second, until Ctrl-C or until the supervisor has gone; with --json a line each time",
    "--json": "print what the API answers",
    "--reason": "why, for the log and for whoever asks for the status",
    "--deadline": "interrupt what is still in flight after so many seconds",
    "--now": "do not wait for what is in flight: ask the worker to exit at once",
    "--wait": "return when the supervisor has exited",
    "--api": "where the supervisor's API listens: unix:PATH or HOST:PORT (default: ECS_SUPERVISOR_API, then the"
    "\n                      sockets in /run, /dev/shm and /tmp)",
    "--pid": "which supervisor, where there are several",
    "--token-file": "the file with the supervisor's token, where it wants one (default: ECS_SUPERVISOR_API_TOKEN_FILE)",
}

_STATUSES = """\
Exit status: 0 done; 1 the supervisor refused, and said why; 64 wrong usage; 69 there is no supervisor, or it does not
answer; 77 it may not be asked by this user, or wants a token.
"""


def help_of(command: str) -> str:
    """Return what `COMMAND --help` prints."""
    shown = " ".join(f"[{flag} {value}]" if value else f"[{flag}]" for flag, value in FLAGS[command].items())
    rows = "".join(
        f"  {f'{flag} {value}'.strip():<20}{_MEANINGS[flag]}\n" for flag, value in FLAGS[command].items()
    )
    return f"Usage: ecs-supervisor {command} {shown}\n\n{_WHAT[command]}\n\n{rows}\n{_STATUSES}"
