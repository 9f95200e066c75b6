"""The picture of a timeline, read back as the XML it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

from supervisor.render.timeline import Bar, BarKind, Group, Picture, Row, svg

SVG = "{http://www.w3.org/2000/svg}"

BARS = (
    Bar(("01-video, run 1", "01-video", "01"), 1.0, 6.0, BarKind.FINISHED, "01-video: finished <well>"),
    Bar(("02-email", "02"), 6.0, 6.005, BarKind.AGAIN),
    Bar(("03-import", "03"), 6.5, 9.0, BarKind.KILLED),
    Bar(("04-photo",), 9.0, 10.0, BarKind.RUNNING),
)
ROW = Row(
    "task 1",
    0.0,
    10.0,
    BARS,
    protected=((1.5, 8.0),),
    stop_signal_at=8.5,
    killed_at=10.0,
    ending="stop-task",
)
GROUP = Group(
    "Bare & old", "1 killed", (ROW, Row("task 2", 2.0, 3.0)), ((3.0, "scale-in"), (3.2, "deployment"))
)
PICTURE = Picture("A title", "and <more>", (GROUP,), 10.0)


def drawn(picture: Picture = PICTURE) -> ElementTree.Element:
    return ElementTree.fromstring(svg(picture))


def of_class(root: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (each for each in root.iter() if name in each.get("class", "").split())


def words(root: ElementTree.Element, name: str) -> list[str]:
    return [each.text or "" for each in of_class(root, name)]


def alone(bar: Bar) -> Picture:
    """A picture with this bar and nothing else in it."""
    return Picture("t", "s", (Group("g", "", (Row("task 1", 0.0, 10.0, (bar,)),)),), 10.0)


def test_a_second_is_as_long_everywhere() -> None:
    """Bars stand where their instants are and are as long as they lasted."""
    root = drawn()
    finished = next(of_class(root, "finished"))
    long, short = of_class(root, "life")
    second = float(long.get("width", 0)) / 10
    assert abs(float(finished.get("width", 0)) - 5 * second) < 0.1
    assert abs(float(finished.get("x", 0)) - float(long.get("x", 0)) - 1 * second) < 0.1
    assert abs(float(short.get("width", 0)) - 1 * second) < 0.1
    assert abs(float(short.get("x", 0)) - float(long.get("x", 0)) - 2 * second) < 0.1


def test_what_lasted_for_a_moment_is_seen() -> None:
    """A job of a few milliseconds is still a bar."""
    box = next(of_class(drawn(alone(BARS[1])), "again"))
    assert float(box.get("width", 0)) == 1.5


def test_kinds_differ_in_more_than_colour() -> None:
    """A killed run is torn, a repeated one is patterned, so the picture can be read without colours."""
    root = drawn()
    assert next(of_class(root, "killed")).tag == f"{SVG}path"
    assert next(of_class(root, "finished")).tag == f"{SVG}rect"
    text = svg(PICTURE)
    assert ".bar.again { fill: url(#again)" in text
    assert ".bar.killed { fill: url(#killed)" in text


def test_a_bar_has_the_longest_name_that_fits() -> None:
    """Where not even the shortest does there is none; pointing at the bar tells it all the same."""
    root = drawn()
    assert words(root, "finished-label") == ["01-video, run 1"]
    assert words(root, "again-label") == []
    short = alone(replace(BARS[0], until=1.3))
    assert words(drawn(short), "finished-label") == ["01"]
    assert "01-video: finished <well>" in [each.text for each in root.iter(f"{SVG}title")]


def test_signals_and_protection_are_marked() -> None:
    """SIGTERM, SIGKILL, the protected time and the reason of the stop stand in the row."""
    root = drawn()
    (band,) = (each for each in of_class(root, "protected") if each.get("x"))
    (bar,) = (each for each in of_class(root, "finished") if each.get("x") != "0.0")
    assert float(band.get("x", 0)) > float(bar.get("x", 0))
    assert len(list(of_class(root, "stop"))) == len(list(of_class(root, "kill"))) == 2, "a mark and its key"
    assert words(root, "ending") == ["stop-task"]


def test_names_of_guides_do_not_run_into_each_other() -> None:
    """Two that are close stand on two lines; one that is far enough away shares the first."""
    guides = (*GROUP.guides, (9.0, "end"))
    root = drawn(replace(PICTURE, groups=(replace(GROUP, guides=guides),)))
    first, second, third = of_class(root, "guide-name")
    assert first.get("y") != second.get("y")
    assert first.get("y") == third.get("y")
    assert len(list(of_class(root, "guide"))) == 3


def test_the_key_explains_what_is_there_and_nothing_else() -> None:
    """A picture without a SIGKILL does not speak of one."""
    kinds = [kind.value for kind in BarKind]
    marks = ["task protected from scale-in", "SIGTERM", "SIGKILL, the stop timeout is over"]
    assert words(drawn(), "key") == ["job, finished", *kinds[1:], *marks]
    assert words(drawn(alone(BARS[0])), "key") == ["job, finished"]


def test_it_can_be_read_aloud() -> None:
    """Title and totals are there as text, with every character that XML keeps for itself."""
    root = drawn()
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "A title"
    assert root.findtext(f"{SVG}desc") == "and <more> Bare & old: 1 killed."
    assert words(root, "group") == ["Bare & old"]
    assert words(root, "row") == ["task 1", "task 2"]
    assert words(root, "tick") == ["0 s", "5 s", "10 s"]


def test_groups_stand_below_each_other() -> None:
    """The picture grows with its rows."""
    one, two = drawn(), drawn(replace(PICTURE, groups=(GROUP, GROUP)))
    assert float(two.get("height", 0)) > float(one.get("height", 0))
    first, second = of_class(two, "group")
    assert float(second.get("y", 0)) - float(first.get("y", 0)) > 2 * 30


def test_nothing_at_all_can_be_drawn() -> None:
    """An empty picture is a picture."""
    root = drawn(Picture("t", "s", (), 0.0))
    assert words(root, "key") == []
    assert words(root, "tick") == ["0 s"]
