"""The live picture of the demo, on terminals of several sizes."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace
from typing import cast

import pytest
from rich.console import Console

from supervisor.cli.demo_view import FRAME_SECONDS, Picture
from supervisor.demo.stage import Act, Happening, Stage


def stage_of(act: Act) -> Stage:
    """Return one on which nothing has been started yet: the picture has its full height from the beginning."""
    sides = [
        SimpleNamespace(containers=[], jobs=[], protected={}, title=title, is_supervised=False)
        for title in ("bare worker", "under ecs-supervisor")
    ]
    stage = SimpleNamespace(act=act, act_began_at=0.0, began_at=0.0, sides=sides, stream=[])
    return cast("Stage", stage)


def drawn(width: int, height: int, acts: tuple[Act, ...] = (Act.PLAYING,)) -> list[str]:
    """Return the lines of the last frame, after ten events; frames follow each other sooner than an eye needs."""
    screen = io.StringIO()
    console = Console(
        file=screen,
        force_terminal=True,
        width=width,
        height=height,
        color_system=None,
        _environ={"TERM": "xterm"},
    )
    picture = Picture(console)
    for number in range(10):
        picture.tell(Happening(float(number), "bare", f"event {number} " + "of many words " * 8))
    before = ""
    with picture:
        for frame, act in enumerate(acts):
            picture.show(stage_of(act), frame * FRAME_SECONDS / 10)
            before = screen.getvalue()
    last = before.rpartition("\x1b[2K")[2]
    return re.sub(r"\x1b\[[0-9?]*[a-zA-Z]", "", last).splitlines()


@pytest.mark.parametrize(
    ("width", "height", "events"), [(80, 24, 5), (60, 24, 5), (80, 40, 7), (120, 24, 7), (80, 12, 0)]
)
def test_a_frame_fits_and_ends_with_the_newest_event(width: int, height: int, events: int) -> None:
    """What does not fit is left out at the old end, not at the new one, and no line is broken in two."""
    lines = drawn(width, height)
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
    shown = [line.split("event ")[1][0] for line in lines if "event " in line]
    assert shown == [str(number) for number in range(10)][10 - events :]


def test_the_last_frame_is_always_drawn() -> None:
    """It stays on the screen, so it must not be the one before the last tasks have gone."""
    assert "playing" in drawn(80, 24, (Act.PLAYING, Act.WINDING_UP))[0]
    assert "over" in drawn(80, 24, (Act.PLAYING, Act.OVER))[0]
