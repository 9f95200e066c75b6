"""`ecs-supervisor demo`: reads, refuses or explains the words after it before anything that plays is loaded."""

from __future__ import annotations

import os
from pathlib import Path

from supervisor.config.reading import did_you_mean
from supervisor.core.frozen import Frozen
from supervisor.core.status import SOFTWARE, USAGE

from .flags import Flags, UsageError
from .output import write

_SQSD = "sqsd"

_STDOUT, _STDERR = 1, 2

_BARE_WORKERS = ("exits", "finishes")
_FLAGS = {"--json": "", "--svg": "FILE", "--seed": "NUMBER", "--bare-worker": "|".join(_BARE_WORKERS)}
_PICTURE = "ecs-supervisor-demo.svg"
_MOST_SEED = 2**32 - 1

_HELP = f"""\
Usage: ecs-supervisor demo [--json] [--svg FILE] [--seed NUMBER] [--bare-worker {"|".join(_BARE_WORKERS)}]
       ecs-supervisor demo {_SQSD}

Sends the same jobs through a bare worker and a supervised one while an emulated ECS service scales in, deploys and stops
tasks. Takes under a minute; needs no AWS and no other server.

With `{_SQSD}` it shows that command instead: a queue, the daemon and a web app on this machine, through jobs, a failure and a
stop. Takes a few seconds; needs the extra `sqs`.

  --json         print the results as one JSON document only
  --svg FILE     where to write the picture, or `none` (default: {_PICTURE} in the current directory)
  --seed NUMBER  another number gives other job lengths (default: 1)
  --bare-worker exits|finishes
                 what the bare worker does at SIGTERM: exit at once, as a program without a handler does, or finish its
                 job first, as good ones do (default: exits)

Exit status: 0 the supervised side, or the daemon, did what it promises; 1 it did not; 64 wrong usage; 70 the demo could not
go on; 78 the extra is missing; 130 interrupted.
"""


class DemoOptions(Frozen):
    """picture: where to write it, None for nowhere. finishes_at_stop: what the bare worker does at SIGTERM."""

    help_wanted: bool
    as_json: bool
    picture: Path | None
    seed: int
    finishes_at_stop: bool


def main(words: list[str]) -> int:
    """Run the command and return the exit status. words: what follows `demo`."""
    try:
        return _show_deliveries(words[1:]) if words[:1] == [_SQSD] else _show_service(words)
    except UsageError as error:
        write(f"ecs-supervisor: {error}\n", _STDERR)
        return USAGE
    except OSError as error:
        write(f"ecs-supervisor: the demo cannot go on: {error.strerror or error}\n", _STDERR)
        # What is left in the buffer goes nowhere either, and the interpreter would complain of that at its end.
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), _STDOUT)
        return SOFTWARE


def _show_service(words: list[str]) -> int:
    options = read(words)
    if options.help_wanted:
        return write(_HELP)
    # Fails where standard output is closed: later its number would be another file's.
    os.fstat(_STDOUT)
    from .demo_play import show

    return show(options)


def _show_deliveries(words: list[str]) -> int:
    flags = Flags("demo", words, {})
    flags.no_rest()
    if flags.help_wanted:
        return write(_HELP)
    os.fstat(_STDOUT)
    from .demo_sqsd import show

    return show()


def read(words: list[str]) -> DemoOptions:
    """Return what is wanted of the first demo. Raise UsageError."""
    flags = Flags("demo", words, _FLAGS)
    if flags.rest and not flags.help_wanted:
        raise _not_a_demo(flags, flags.rest[0])
    bare = flags.text("--bare-worker", _BARE_WORKERS[0])
    if bare not in _BARE_WORKERS:
        meant = did_you_mean(bare, _BARE_WORKERS)
        raise flags.error(f"--bare-worker is `{bare}`", f"give one of {', '.join(_BARE_WORKERS)}{meant}")
    picture = flags.text("--svg", _PICTURE)
    return DemoOptions(
        help_wanted=flags.help_wanted,
        as_json="--json" in flags,
        picture=None if picture == "none" else Path(picture),
        seed=int(flags.number("--seed", 0, _MOST_SEED) or 0) if "--seed" in flags else 1,
        finishes_at_stop=bare == "finishes",
    )


def _not_a_demo(flags: Flags, word: str) -> UsageError:
    if word == _SQSD:
        return flags.error(f"`{word}` has none of these flags", f"write `ecs-supervisor demo {_SQSD}` alone")
    return flags.error(f"`{word}` is no demo", f"give `{_SQSD}` or nothing{did_you_mean(word, [_SQSD])}")
