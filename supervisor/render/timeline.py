"""The picture of what tasks did: tasks as rows, jobs as bars, protection as a band, signals as marks; an SVG text.

What differs in meaning differs in shape or pattern too and not in colour alone. Colours follow the reader's light or
dark setting where the viewer knows it, and are those for light elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from html import escape

from .timeline_style import DEFINITIONS, STYLE

# Pixels.
_WIDTH = 1240.0
_LEFT, _RIGHT = 96.0, 34.0
_HEADER = 74.0
_GROUP_HEAD = 30.0
_GUIDE_LANE = 15.0
_ROW, _BAND, _BAR = 30.0, 26.0, 16.0
_GROUP_GAP = 22.0
_AXIS = 44.0
_LEGEND = 40.0
_LABEL_GAP = 4.0

# Of a letter of a usual sans-serif font; SVG cannot measure, and a label that does not fit is left out.
_LETTER = 0.56
_LABEL_SIZE, _SMALL_SIZE = 10.0, 11.0

_TICK_SECONDS = 5


class BarKind(Enum):
    """How a run of a job ended, and whether the job had been started before."""

    FINISHED = "job, finished"
    AGAIN = "the same job run again, finished"
    KILLED = "run killed with its task"
    RUNNING = "job, still running"


@dataclass(frozen=True, slots=True)
class Bar:
    """names: what to write on it, the longest that fits. about: shown when pointed at."""

    names: tuple[str, ...]
    since: float
    until: float
    kind: BarKind
    about: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One task. Instants are seconds of the picture; None: it did not happen.

    protected: when protection began and ended. ending: what to write behind its exit.
    """

    label: str
    since: float
    until: float
    bars: tuple[Bar, ...] = ()
    protected: tuple[tuple[float, float], ...] = ()
    stop_signal_at: float | None = None
    killed_at: float | None = None
    ending: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that belong together. guides: instants with the names of what happened to all of them."""

    title: str
    summary: str
    rows: tuple[Row, ...]
    guides: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    title: str
    subtitle: str
    groups: tuple[Group, ...]
    seconds: float


def svg(picture: Picture) -> str:
    """Draw the picture."""
    return "\n".join(_Drawing(picture).lines()) + "\n"


class _Drawing:
    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._scale = (_WIDTH - _LEFT - _RIGHT) / max(picture.seconds, 1.0)

    def lines(self) -> Iterator[str]:
        picture = self._picture
        bottom = _HEADER + sum(self._height(group) + _GROUP_GAP for group in picture.groups)
        height = bottom + _AXIS + _LEGEND
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {height:g}" width="{_WIDTH:g}"'
            f' height="{height:g}" role="img" aria-labelledby="title summary">'
        )
        yield f'<title id="title">{escape(picture.title)}</title>'
        summaries = " ".join(f"{group.title}: {group.summary}." for group in picture.groups)
        yield f'<desc id="summary">{escape(f"{picture.subtitle} {summaries}")}</desc>'
        yield STYLE
        yield DEFINITIONS
        yield f'<rect class="paper" width="{_WIDTH:g}" height="{height:g}" rx="10"/>'
        yield _text(24, 34, picture.title, "title")
        yield _text(24, 55, picture.subtitle, "dim")
        yield from self._axis(_HEADER + _GROUP_HEAD, bottom)
        top = _HEADER
        for group in picture.groups:
            yield from self._group(group, top)
            top += self._height(group) + _GROUP_GAP
        yield from self._legend(bottom + _AXIS)
        yield "</svg>"

    def _x(self, seconds: float) -> float:
        return _LEFT + seconds * self._scale

    def _lanes(self, group: Group) -> list[int]:
        """For each guide the line its name is written on, so that names do not run into each other."""
        free: list[float] = []
        lanes = []
        for at, name in group.guides:
            start = self._x(at)
            lane = next((number for number, end in enumerate(free) if end <= start), len(free))
            free[lane : lane + 1] = [start + _width(name, _SMALL_SIZE) + 2 * _LABEL_GAP]
            lanes.append(lane)
        return lanes

    def _height(self, group: Group) -> float:
        lanes = max(self._lanes(group), default=-1) + 1
        return _GROUP_HEAD + lanes * _GUIDE_LANE + len(group.rows) * _ROW

    def _group(self, group: Group, top: float) -> Iterator[str]:
        yield _text(24, top + 17, group.title, "group")
        yield _text(_WIDTH - _RIGHT, top + 17, group.summary, "summary")
        lanes = self._lanes(group)
        first_row = top + self._height(group) - len(group.rows) * _ROW
        bottom = top + self._height(group)
        for (at, name), lane in zip(group.guides, lanes, strict=True):
            x = self._x(at)
            y = top + _GROUP_HEAD + lane * _GUIDE_LANE
            yield f'<path class="guide" d="M{x:.1f} {y:.1f}V{bottom:.1f}"/>'
            yield _text(x + _LABEL_GAP, y + 10, name, "guide-name")
        for number, row in enumerate(group.rows):
            yield from self._row(row, first_row + number * _ROW)

    def _row(self, row: Row, top: float) -> Iterator[str]:
        middle = top + _ROW / 2
        yield _text(_LEFT - 14, middle + 4, row.label, "row")
        yield (
            f'<rect class="life" x="{self._x(row.since):.1f}" y="{middle - 2:.1f}"'
            f' width="{self._length(row.since, row.until):.1f}" height="4" rx="2"/>'
        )
        for since, until in row.protected:
            yield (
                f'<rect class="protected" x="{self._x(since):.1f}" y="{middle - _BAND / 2:.1f}"'
                f' width="{self._length(since, until):.1f}" height="{_BAND:g}" rx="5"/>'
            )
        for bar in row.bars:
            shape = _box(self._x(bar.since), middle, self._length(bar.since, bar.until), bar.kind)
            yield f"<g><title>{escape(bar.about)}</title>{shape}</g>"
        if row.stop_signal_at is not None:
            yield _stop_mark(self._x(row.stop_signal_at), middle)
        if row.killed_at is not None:
            yield _kill_mark(self._x(row.killed_at), middle)
        # Above the marks: a name is worth more than the middle of a line.
        for bar in row.bars:
            yield from self._name(bar, middle)
        if row.ending:
            yield _text(self._x(row.until) + 12, middle + 4, row.ending, "ending")

    def _name(self, bar: Bar, middle: float) -> Iterator[str]:
        room = self._length(bar.since, bar.until) - 2 * _LABEL_GAP
        fitting = [name for name in bar.names if _width(name, _LABEL_SIZE) <= room]
        if fitting:
            x = self._x(bar.since) + _LABEL_GAP
            yield _text(x, middle + 3.5, max(fitting, key=len), f"label {_css(bar.kind)}-label")

    def _length(self, since: float, until: float) -> float:
        # What lasted for a moment is seen all the same.
        return max(1.5, (until - since) * self._scale)

    def _axis(self, top: float, bottom: float) -> Iterator[str]:
        for second in range(0, int(self._picture.seconds) + 1, _TICK_SECONDS):
            x = self._x(second)
            yield f'<path class="grid" d="M{x:.1f} {top:.1f}V{bottom:.1f}"/>'
            yield _text(x, bottom + 16, f"{second} s", "tick")

    def _legend(self, top: float) -> Iterator[str]:
        """Only what is in this picture; what is not there needs no explanation."""
        rows = [row for group in self._picture.groups for row in group.rows]
        kinds = {bar.kind for row in rows for bar in row.bars}
        entries = [(_box(0, 0, 26, kind), 26, kind.value) for kind in BarKind if kind in kinds]
        if any(row.protected for row in rows):
            band = f'<rect class="protected" y="{-_BAND / 2:g}" width="26" height="{_BAND:g}" rx="5"/>'
            entries.append((band, 26, "task protected from scale-in"))
        if any(row.stop_signal_at is not None for row in rows):
            entries.append((_stop_mark(5, 0), 10, "SIGTERM"))
        if any(row.killed_at is not None for row in rows):
            entries.append((_kill_mark(6, 0), 12, "SIGKILL, the stop timeout is over"))
        x = 24.0
        for shape, width, name in entries:
            yield f'<g transform="translate({x:.1f} {top:.1f})">{shape}{_text(width + 7, 4, name, "key")}</g>'
            x += width + 7 + _width(name, _SMALL_SIZE) + 22


def _css(kind: BarKind) -> str:
    return kind.name.lower()


def _box(x: float, middle: float, length: float, kind: BarKind) -> str:
    """A bar; a killed one is torn off at its end."""
    top, bottom = middle - _BAR / 2, middle + _BAR / 2
    if kind is not BarKind.KILLED:
        return (
            f'<rect class="bar {_css(kind)}" x="{x:.1f}" y="{top:.1f}" width="{length:.1f}" height="{_BAR:g}"'
            ' rx="3"/>'
        )
    end, tooth = x + length, min(4.0, length / 2)
    teeth = (f"L{end - tooth * (step % 2):.1f} {top + _BAR * step / 4:.1f}" for step in range(5))
    return f'<path class="bar killed" d="M{x:.1f} {top:.1f}{"".join(teeth)}L{x:.1f} {bottom:.1f}Z"/>'


def _stop_mark(x: float, middle: float) -> str:
    top = middle - _ROW / 2 + 1
    return (
        f'<path class="stop-line" d="M{x:.1f} {top:.1f}V{middle + _ROW / 2 - 1:.1f}"/>'
        f'<path class="stop" d="M{x - 5:.1f} {top:.1f}H{x + 5:.1f}L{x:.1f} {top + 8:.1f}Z"/>'
    )


def _kill_mark(x: float, middle: float) -> str:
    return (
        f'<rect class="kill" x="{x - 6:.1f}" y="{middle - 6:.1f}" width="12" height="12" rx="2"/>'
        f'<path class="kill-cross" d="M{x - 3:.1f} {middle - 3:.1f}l6 6m0-6l-6 6"/>'
    )


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _width(text: str, size: float) -> float:
    return len(text) * size * _LETTER
