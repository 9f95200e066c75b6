"""What a person sees of the demo while it runs: a live picture on a terminal, a line for every event elsewhere."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Protocol

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.segment import SegmentLines
from rich.table import Table
from rich.text import Text

from supervisor.demo.outcome import Ending, Run, runs_of
from supervisor.demo.side import Side
from supervisor.demo.stage import PLAY_LIMIT_SECONDS, Act, Happening, Stage
from supervisor.emulator.evidence import ContainerRecord

# A picture is read again from what the workers wrote, so not more often than an eye needs.
FRAME_SECONDS = 0.15

_EVENTS_SHOWN = 7
# Of the task, its state, what it does, and how far.
_CELLS = (8, 9, 19, 10)

# Tasks that have stopped leave the picture when it would grow beyond a small terminal.
_MOST_TASKS_SHOWN = 5


class View(Protocol):
    """Told of everything that happens, and shown the stage again and again."""

    def __enter__(self) -> View: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None: ...

    def tell(self, happening: Happening) -> None: ...

    def show(self, stage: Stage, now: float) -> None: ...


class Silent:
    """For `--json`."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def tell(self, happening: Happening) -> None:
        """Say nothing."""

    def show(self, stage: Stage, now: float) -> None:
        """Show nothing."""


class Lines(Silent):
    """For a pipe or a file: every event once, in order."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def tell(self, happening: Happening) -> None:
        """Print one line."""
        self._console.print(_line(happening), soft_wrap=True)


class Picture(Silent):
    """For a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._events: deque[Happening] = deque(maxlen=_EVENTS_SHOWN)
        self._live = Live(console=console, auto_refresh=False)
        self._next_frame_at = 0.0

    def __enter__(self) -> Picture:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def tell(self, happening: Happening) -> None:
        """Keep it for the next frame."""
        self._events.append(happening)

    def show(self, stage: Stage, now: float) -> None:
        """Draw a frame if it is time; the last one, which stays, always is."""
        if now >= self._next_frame_at or stage.act is Act.OVER:
            self._next_frame_at = now + FRAME_SECONDS
            self._live.update(self._frame(stage, now), refresh=True)

    def _frame(self, stage: Stage, now: float) -> RenderableType:
        is_over = stage.act in (Act.WINDING_UP, Act.OVER)
        done = (
            PLAY_LIMIT_SECONDS if is_over else now - stage.act_began_at if stage.act is Act.PLAYING else 0.0
        )
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text(f"{now - stage.began_at:5.1f} s", "title"),
            Text(stage.act.value, "quiet"),
            ProgressBar(PLAY_LIMIT_SECONDS, done, width=50),
        )
        sides = Columns([_side(side, stage, now) for side in stage.sides], padding=(0, 1))
        picture = self._console.render_lines(Group(head, sides), pad=False)
        # A frame that is higher than the terminal would lose its end, and with it the newest events.
        room = max(0, self._console.height - len(picture))
        newest = list(self._events)[-room:] if room else []
        return Group(SegmentLines(picture, new_lines=True), *(_cut(_line(event)) for event in newest))


def _side(side: Side, stage: Stage, now: float) -> Panel:
    containers = side.containers
    runs = runs_of(side.jobs, containers, now)
    tasks = Table.grid(padding=(0, 1))
    for width in _CELLS:
        tasks.add_column(width=width, no_wrap=True)
    shown = containers[-_MOST_TASKS_SHOWN:]
    for record in shown:
        _add_task(tasks, side, stage, record, [run for run in runs if run.task == record.task_number])
    for _ in range(_MOST_TASKS_SHOWN - len(shown)):
        tasks.add_row("")
    finished = len({run.job for run in runs if run.ending is Ending.FINISHED})
    killed = sum(run.ending is Ending.KILLED for run in runs)
    again = len({run.job for run in runs if run.attempt > 1})
    counts = Text.assemble(
        (f"{finished}/{len(stage.stream)} finished", "good"),
        "   ",
        (f"{killed} killed", "bad" if killed else "quiet"),
        "   ",
        (f"{again} run twice", "warning" if again else "quiet"),
    )
    return Panel(Group(tasks, "", counts), title=side.title, width=54)


def _add_task(table: Table, side: Side, stage: Stage, record: ContainerRecord, runs: list[Run]) -> None:
    running = [run for run in runs if run.ending is Ending.RUNNING]
    is_protected = len(side.protected.get(record.task_number, [])) % 2 == 1
    bar: RenderableType = ""
    what = Text("idle", "quiet")
    if record.exited_at is not None:
        is_killed = any(run.ending is Ending.KILLED for run in runs)
        what = Text("stopped, job killed" if is_killed else "stopped", "bad" if is_killed else "quiet")
    elif running:
        run = running[-1]
        seconds = next(job.seconds for job in stage.stream if job.name == run.job)
        bar = ProgressBar(seconds, min(run.seconds, seconds), width=_CELLS[-1])
        what = Text(run.job, "busy")
    state = ""
    if record.exited_at is None and record.signalled_at is not None:
        state = "draining" if side.is_supervised else "stopping"
    elif record.exited_at is None and is_protected:
        state = "protected"
    style = "good" if state == "protected" else "warning"
    table.add_row(f"task {record.task_number}", Text(state, style), what, bar)


def _line(happening: Happening) -> Text:
    who = happening.side or "both"
    return Text(f"{happening.at:5.1f} s  {who:10}  {happening.text}")


def _cut(line: Text) -> Text:
    """One line of the terminal at most."""
    line.no_wrap = True
    line.overflow = "ellipsis"
    return line
