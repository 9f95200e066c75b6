"""How much happens in a run of the chaos test, and the daemons' settings for it: short times, so that each of them matters."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass

# The lease on a message. A job that lasts longer depends on extensions, a daemon that is frozen for longer loses it.
VISIBILITY_SECONDS = 6
FREEZE_SECONDS = 7.5

# Jobs of the longest kind do not fit into the last of a stop's time, so that some are still at work at its deadline.
STOP_TIMEOUT_SECONDS = 7

POLL_WAIT_SECONDS = 1

OPTIONS = (
    *("--visibility-timeout", f"{VISIBILITY_SECONDS}"),
    *("--error-visibility-timeout", "1"),
    *("--stop-timeout", f"{STOP_TIMEOUT_SECONDS}"),
    *("--poll-wait", f"{POLL_WAIT_SECONDS}"),
    *("--http-connections", "6"),
    *("--protect-wait", "2"),
    *("--release-delay", "0"),
)

# Of jobs: the share that lasts up to so many seconds, from so many on.
_LENGTHS = ((0.90, 0.0, 0.02), (0.09, 0.05, 0.3), (0.01, 2.0, 8.0))

# So many of a hundred jobs fail at first, once or twice.
_FAILING_SHARE = 0.03


@dataclass(frozen=True, slots=True)
class Plan:
    """messages: half to a standard queue, half to a FIFO queue of so many groups. daemons: of each two one wraps its app.
    backlog: messages that wait.

    blow_seconds: on average between two blows. longest_seconds: of a job. limit_seconds: for the run to come to rest after the last message was sent.
    """

    messages: int
    seed: int
    groups: int = 40
    daemons: int = 4
    backlog: int = 400
    blow_every: int = 40
    longest_seconds: float = 8.0
    limit_seconds: float = 120.0


def body(luck: random.Random, longest_seconds: float) -> str:
    """Return what a job is to do; none lasts longer than that."""
    weights = [share for share, _, _ in _LENGTHS]
    _, least, most = luck.choices(_LENGTHS, weights)[0]
    failures = luck.choice((1, 2)) if luck.random() < _FAILING_SHARE else 0
    return json.dumps(
        {"seconds": round(min(luck.uniform(least, most), longest_seconds), 3), "failures": failures}
    )
