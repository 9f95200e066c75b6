"""The first demo: the same jobs through a bare worker and a supervised one while the service changes.

Real processes on an emulated ECS service on this machine. Everything that is printed was recorded in this run; the
status is 1 when the supervised side did not do what it promises.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from supervisor.config.option import PREFIX
from supervisor.core.status import SOFTWARE, USAGE
from supervisor.demo.outcome import outcome_of
from supervisor.demo.side import Side
from supervisor.demo.stage import NotStarted, Stage
from supervisor.demo.stream import jobs
from supervisor.emulator.host import TICK_SECONDS
from supervisor.render.timeline import svg

from .demo import DemoOptions
from .demo_picture import picture_of
from .demo_results import document_of, introduction, print_results
from .demo_view import Lines, Picture, Silent, View
from .interruption import Interruption
from .output import write
from .style import make_console

_PROMISE_BROKEN = 1
# A shell reports a death by SIGINT as this.
_INTERRUPTED = 130
_STDERR = 2


def show(options: DemoOptions) -> int:
    """Play it and return the exit status."""
    if options.picture is not None and (why := _cannot_write(options.picture)):
        fix = "name a file in a writable directory with --svg FILE, or --svg none"
        write(f"ecs-supervisor: {why}, so the picture would be lost; {fix}\n", _STDERR)
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


def _view_for(console: Console) -> View:
    # On a terminal that cannot move its cursor back, a live picture would be its last frame only.
    return Picture(console) if console.is_terminal and not console.is_dumb_terminal else Lines(console)


def _run(options: DemoOptions, directory: Path, interruption: Interruption) -> int:
    console = make_console(sys.stdout)
    view: View = Silent() if options.as_json else _view_for(console)
    stream = jobs(options.seed)
    if not options.as_json:
        introduction(console, len(stream), options.finishes_at_stop)
    with ExitStack() as stack:
        sides = [
            stack.enter_context(
                Side(
                    directory / name,
                    is_supervised=is_supervised,
                    finishes_at_stop=options.finishes_at_stop,
                )
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
    picture = options.picture
    if picture is not None:
        picture.write_text(
            svg(picture_of(stage, (bare, supervised), options.seed, over_at)), encoding="utf-8"
        )
    if options.as_json:
        document = document_of(stage, (bare, supervised), options.seed, over_at, picture)
        if write(f"{json.dumps(document, indent=2)}\n") != 0:
            return SOFTWARE
    else:
        print_results(console, bare, supervised, options.finishes_at_stop, picture)
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
    write(
        "ecs-supervisor: the workers of the demo did not become ready, so there is nothing to show;"
        f" run it on a machine that is less busy, or see what they printed:\n{words or '  nothing'}\n",
        _STDERR,
    )
    return SOFTWARE


def _cannot_write(path: Path) -> str | None:
    """Found out before the demo, not after it."""
    try:
        with path.open("a", encoding="utf-8"):
            return None
    except OSError as error:
        return f"{path} cannot be written ({error.strerror})"
