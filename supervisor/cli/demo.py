"""`ecs-supervisor demo`: the same jobs through a bare worker and a supervised one while the service changes.

Real processes on an emulated ECS service on this machine. Everything that is printed was recorded in this run; the
status is 1 when the supervised side did not do what it promises.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from supervisor.config.options import PREFIX
from supervisor.core.status import SOFTWARE, USAGE
from supervisor.demo.outcome import outcome_of
from supervisor.demo.side import Side
from supervisor.demo.stage import NotStarted, Stage
from supervisor.demo.stream import jobs
from supervisor.emulator.host import TICK_SECONDS
from supervisor.render.timeline import svg

from .demo_picture import picture_of
from .demo_results import document_of, introduction, print_results
from .demo_view import Lines, Picture, Silent, View
from .interruption import Interruption
from .style import make_console

_PROMISE_BROKEN = 1
# A shell reports a death by SIGINT as this.
_INTERRUPTED = 130


def main(words: list[str]) -> int:
    """Run the command. words: what follows `demo`."""
    options = _parser().parse_args(words)
    if options.svg != "none" and (why := _cannot_write(Path(options.svg))):
        fix = "name a file in a writable directory with --svg FILE, or --svg none"
        print(f"ecs-supervisor: {why}, so the picture would be lost; {fix}", file=sys.stderr)  # noqa: T201
        return USAGE
    # Meant for other supervisors; ours are told everything by flags.
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    try:
        with (
            Interruption() as interruption,
            tempfile.TemporaryDirectory(prefix="ecs-supervisor-demo-") as directory,
        ):
            return _run(options, Path(directory), interruption)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(options: argparse.Namespace, directory: Path, interruption: Interruption) -> int:
    console = make_console(sys.stdout)
    view: View = Silent() if options.json else Picture(console) if console.is_terminal else Lines(console)
    finishes_at_stop = options.bare_worker == "finishes"
    stream = jobs(options.seed)
    if not options.json:
        introduction(console, len(stream), finishes_at_stop)
    with ExitStack() as stack:
        sides = [
            stack.enter_context(
                Side(directory / name, is_supervised=is_supervised, finishes_at_stop=finishes_at_stop)
            )
            for name, is_supervised in (("bare", False), ("supervised", True))
        ]
        stage = Stage(sides, stream, time.monotonic(), view.tell)
        try:
            _play(stage, view, interruption)
        except NotStarted:
            return _not_started(sides)
        over_at = time.monotonic()
        bare, supervised = (
            outcome_of(stream, side.jobs, side.containers, side.agent.calls, stage.steps, over_at)
            for side in sides
        )
    picture = Path(options.svg) if options.svg != "none" else None
    if picture is not None:
        picture.write_text(
            svg(picture_of(stage, (bare, supervised), options.seed, over_at)), encoding="utf-8"
        )
    if options.json:
        document = document_of(stage, (bare, supervised), options.seed, over_at, picture)
        sys.stdout.write(f"{json.dumps(document, indent=2)}\n")
    else:
        print_results(console, bare, supervised, finishes_at_stop, picture)
    return 0 if supervised.is_as_promised else _PROMISE_BROKEN


def _play(stage: Stage, view: View, interruption: Interruption) -> None:
    pause = threading.Event()
    with view:
        while stage.tick(now := time.monotonic()):
            view.show(stage, now)
            pause.wait(TICK_SECONDS)
            interruption.check()
        view.show(stage, time.monotonic())


def _not_started(sides: Sequence[Side]) -> int:
    words = "\n".join(f"  {line}" for side in sides for line in side.last_words())
    sys.stderr.write(
        "ecs-supervisor: the workers of the demo did not become ready, so there is nothing to show;"
        f" run it on a machine that is less busy, or see what they printed:\n{words or '  nothing'}\n"
    )
    return SOFTWARE


def _cannot_write(path: Path) -> str | None:
    """Found out before the demo, not after it."""
    try:
        with path.open("a", encoding="utf-8"):
            return None
    except OSError as error:
        return f"{path} cannot be written ({error.strerror})"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Exit with the status that all our commands have for wrong usage."""
        self.exit(USAGE, f"ecs-supervisor: {message}; see `{self.prog} --help`\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="ecs-supervisor demo",
        description="Send the same jobs through a bare worker and a supervised one while an emulated ECS service"
        " scales in, deploys and stops tasks. Takes under a minute; needs no AWS and no other server.",
    )
    parser.add_argument("--json", action="store_true", help="print the results as one JSON document only")
    parser.add_argument(
        "--svg",
        metavar="FILE",
        default="ecs-supervisor-demo.svg",
        help="where to write the picture, or `none` (default %(default)s in the current directory)",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="another number gives other job lengths (default %(default)s)"
    )
    parser.add_argument(
        "--bare-worker",
        choices=("exits", "finishes"),
        default="exits",
        help="what the bare worker does at SIGTERM: exit at once, as a program without a handler does, or finish"
        " its job first, as good ones do (default %(default)s)",
    )
    return parser
